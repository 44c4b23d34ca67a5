"""Probe and transcode, as a task over one batch."""

from __future__ import annotations

from prefect import get_run_logger, task

from rushes.config import Pipeline
from rushes.ingest import transcode_batch
from rushes.progress import throttled
from rushes.results import BatchResult
from rushes.workspace import Batch, opened
from tasks.options import BATCH

__all__ = ["transcode"]


@task(name="transcode", task_run_name="transcode {batch.name}", tags={"rushes", "transcode"}, **BATCH)
def transcode(config: Pipeline, batch: Batch, after: object) -> BatchResult:
    """Probes what is new in the store, and makes of it what the recipe says.

    Args:
        config: The pipeline.
        batch: The range of the plan.
        after: The step before this one; only its end matters.
    """
    report = throttled(get_run_logger().info, f"transcode {batch.name}")
    with opened(config.workspace_place) as workspace:
        return transcode_batch(config, workspace, batch, report)
