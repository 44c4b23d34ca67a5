"""The pipeline on threads, as something that can be deployed."""

from flows.pipeline import pipeline as on_ray
from flows.runner import thread_runner

__all__ = ["pipeline"]

pipeline = on_ray.with_options(task_runner=thread_runner())
