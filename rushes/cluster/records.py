"""What a Ray cluster says of its jobs, nodes, tasks and Serve applications: of Ray's many fields, those one acts on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["Application", "Job", "Node", "Task", "application", "job", "node", "task"]

_ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
_MS = 1000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job of the cluster.

    Attributes:
        id: What it was submitted as; of a driver that nobody submitted, Ray's own id.
        kind: `submission`, or `driver`: a process that connected by itself.
        status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED.
        entrypoint: Its command line, without credentials in URLs.
        message: What Ray says of how it is, or ended.
        exit_code: Of its command, once that ended by itself.
        started_s: Since the epoch, in seconds.
        ended_s: Since the epoch, in seconds; None while it runs.
        node_id: The node its command runs on.
        metadata: What was given along.
        env_names: Variables that its runtime environment sets, without their values: they may be secrets.
    """

    id: str
    kind: str
    status: str
    entrypoint: str
    message: str = ""
    exit_code: int | None = None
    started_s: float | None = None
    ended_s: float | None = None
    node_id: str | None = None
    metadata: dict[str, str] = {}
    env_names: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        """Tells whether it is over, however it went."""
        return self.status in _ENDED


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of the cluster.

    Attributes:
        id: Ray's id.
        address: Its IP address.
        head: Whether it is the head.
        state: ALIVE or DEAD.
        message: Why it is dead.
        cpus: Cores that Ray may give to tasks.
        gpus: Cards that Ray may give to tasks.
        memory_bytes: Memory that Ray may give to tasks.
        resources: All of its resources, by name.
    """

    id: str
    address: str
    head: bool
    state: str
    message: str = ""
    cpus: float = 0
    gpus: float = 0
    memory_bytes: int = 0
    resources: dict[str, float] = {}


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task of the cluster.

    Attributes:
        id: Ray's id.
        name: The function or method, or the name that it was given.
        state: RUNNING, FINISHED, FAILED, PENDING_NODE_ASSIGNMENT and so on.
        kind: NORMAL_TASK, ACTOR_TASK, ACTOR_CREATION_TASK or DRIVER_TASK.
        attempt: How many tries came before this one.
        job_id: Ray's id of its job.
        node_id: The node that it runs on, once it has one.
        error: What kind of error it ended with.
        started_s: Since the epoch, in seconds.
        ended_s: Since the epoch, in seconds.
    """

    id: str
    name: str
    state: str
    kind: str
    attempt: int = 0
    job_id: str = ""
    node_id: str | None = None
    error: str | None = None
    started_s: float | None = None
    ended_s: float | None = None


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application of Ray Serve.

    Attributes:
        name: Its name.
        status: RUNNING, DEPLOYING, DEPLOY_FAILED, UNHEALTHY and so on.
        route: The path prefix that it answers under.
        message: What Serve says of how it is.
        deployments: The status of each of its deployments, by name.
        problems: What those say last that are not healthy, by name: the error that stopped them, say.
    """

    name: str
    status: str
    route: str | None = None
    message: str = ""
    deployments: dict[str, str] = {}
    problems: dict[str, str] = {}


def job(said: Any) -> Job:
    """Returns the record of one of Ray's `JobDetails`."""
    return Job(
        id=said.submission_id or said.job_id,
        kind=str(said.type.value).lower(),
        status=str(said.status.value),
        entrypoint=_without_credentials(said.entrypoint),
        message=_without_credentials(said.message or ""),
        exit_code=said.driver_exit_code,
        started_s=_seconds(said.start_time),
        ended_s=_seconds(said.end_time),
        node_id=said.driver_node_id,
        metadata={str(key): str(value) for key, value in (said.metadata or {}).items()},
        env_names=tuple(sorted((said.runtime_env or {}).get("env_vars") or ())),
    )


def node(said: Any) -> Node:
    """Returns the record of one of Ray's `NodeState`."""
    resources = {name: float(value) for name, value in (said.resources_total or {}).items()}
    return Node(
        id=said.node_id,
        address=said.node_ip,
        head=bool(said.is_head_node),
        state=said.state,
        message=said.state_message or "",
        cpus=resources.get("CPU", 0),
        gpus=resources.get("GPU", 0),
        memory_bytes=int(resources.get("memory", 0)),
        resources=resources,
    )


def task(said: Any) -> Task:
    """Returns the record of one of Ray's `TaskState`."""
    return Task(
        id=said.task_id,
        name=said.name or said.func_or_class_name,
        state=said.state,
        kind=said.type,
        attempt=said.attempt_number,
        job_id=said.job_id,
        node_id=said.node_id,
        error=said.error_type,
        started_s=_seconds(said.start_time_ms),
        ended_s=_seconds(said.end_time_ms),
    )


def application(name: str, said: Mapping[str, Any]) -> Application:
    """Returns the record of an application as Serve's REST API describes it."""
    deployments = said.get("deployments") or {}
    return Application(
        name=name,
        status=str(said.get("status")),
        route=said.get("route_prefix"),
        message=_without_credentials(said.get("message") or ""),
        deployments={key: str(value.get("status")) for key, value in deployments.items()},
        problems={
            key: _without_credentials(value["message"].strip().rpartition("\n")[2])  # of a traceback, what it ends with
            for key, value in deployments.items()
            if value.get("message") and value.get("status") != "HEALTHY"
        },
    )


def _seconds(ms: int | None) -> float | None:
    return ms / _MS if ms else None


def _without_credentials(text: str) -> str:
    return re.sub(r"//[^/\s@'\"]*@", "//…@", text)
