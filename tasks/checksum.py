"""Verify and publish, as a task over one batch."""

from __future__ import annotations

from prefect import task

from rushes.config import Pipeline
from rushes.ingest import checksum_batch
from rushes.results import BatchResult
from rushes.workspace import Batch, opened
from tasks.options import BATCH
from tasks.told import telling

__all__ = ["checksum"]


@task(name="checksum", task_run_name="checksum {batch.name}", tags={"rushes", "checksum"}, **BATCH)
def checksum(config: Pipeline, batch: Batch, after: object) -> BatchResult:
    """Compares what arrived with what was promised, and publishes it in the store.

    Args:
        config: The pipeline.
        batch: The range of the plan.
        after: The step before this one; only its end matters.
    """
    with telling(batch, "checksum") as report, opened(config.workspace_place) as workspace:
        return checksum_batch(config, workspace, batch, report)
