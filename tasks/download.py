"""Download, as a task over one batch."""

from __future__ import annotations

from prefect import task

from rushes.config import Pipeline
from rushes.ingest import download_batch
from rushes.results import BatchResult
from rushes.transfer.hosts import Shares
from rushes.workspace import Batch, opened
from tasks.options import BATCH
from tasks.told import telling

__all__ = ["download"]


@task(name="download", task_run_name="download {batch.name}", tags={"rushes", "download"}, **BATCH)
def download(config: Pipeline, batch: Batch, shares: Shares | None = None) -> BatchResult:
    """Fetches what the batch has no bytes of yet, and hashes it on the way.

    Args:
        config: The pipeline.
        batch: The range of the plan.
        shares: Where the batches of a cluster share the slots of each host; None in one process.
    """
    with telling(batch, "download") as report, opened(config.workspace_place) as workspace:
        return download_batch(config, workspace, batch, report, shares)
