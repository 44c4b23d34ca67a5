"""A Ray cluster from outside: its jobs and their logs, its nodes, tasks and Serve applications.

Over Ray's own SDKs, which are imported when a cluster is first asked something; they come with `rushes[orchestrator]`.
"""

from rushes.cluster.client import RayClient
from rushes.cluster.limits import StreamLimits
from rushes.cluster.records import Application, Job, Node, Task

__all__ = ["Application", "Job", "Node", "RayClient", "StreamLimits", "Task"]
