"""Probe and transcode, as a task over one batch, and the chunks of long videos, as another."""

from __future__ import annotations

from prefect import get_run_logger, task

from rushes.config import Pipeline
from rushes.ingest import transcode_batch
from rushes.long import chunk_batch
from rushes.progress import throttled
from rushes.results import BatchResult
from rushes.workspace import Batch, opened
from tasks.options import BATCH
from tasks.told import telling

__all__ = ["encode_chunks", "transcode"]


@task(name="transcode", task_run_name="transcode {batch.name}", tags={"rushes", "transcode"}, **BATCH)
def transcode(config: Pipeline, batch: Batch, after: object, cores: int = 1, leave_long: bool = True) -> BatchResult:
    """Probes what is new in the store, and makes of it what the recipe says.

    Args:
        config: The pipeline.
        batch: The range of the plan.
        after: The step before this one; only its end matters.
        cores: Cores that this task owns: so many ffmpegs are run at a time.
        leave_long: Whether to leave long videos, so that they are encoded in chunks on all workers.
    """
    with telling(batch, "transcode") as report, opened(config.workspace_place) as workspace:
        return transcode_batch(config, workspace, batch, report, cores, leave_long)


@task(name="chunks", task_run_name="chunks {batch.name}", tags={"rushes", "transcode"}, **BATCH)
def encode_chunks(config: Pipeline, batch: Batch) -> BatchResult:
    """Makes chunks of long videos.

    Args:
        config: The pipeline.
        batch: The range of the list of chunks.
    """
    report = throttled(get_run_logger().info, f"chunks {batch.name}")
    with opened(config.workspace_place) as workspace:
        return chunk_batch(config, workspace, batch, report)
