"""How many cores a batch of transcodes takes."""

from __future__ import annotations

import ray

from rushes.config import Pipeline

__all__ = ["transcode_cores"]


def transcode_cores(config: Pipeline) -> int:
    """Returns `run.transcode_cores`, but no more than any node has, for Ray would wait without end; on threads, 1."""
    if not ray.is_initialized():
        return 1
    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    return max(1, min(config.run.transcode_cores, int(largest)))
