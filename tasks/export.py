"""Export, as a task over one batch."""

from __future__ import annotations

from prefect import get_run_logger, task

from rushes.config import Pipeline
from rushes.export.batch import export_batch
from rushes.plan import load_plan
from rushes.progress import throttled
from rushes.results import BatchResult
from rushes.summary.output import building
from rushes.workspace import Batch, opened
from tasks.options import BATCH

__all__ = ["export"]


@task(name="export", task_run_name="export {batch.name}", tags={"rushes", "export"}, **BATCH)
def export(config: Pipeline, batch: Batch) -> BatchResult:
    """Cuts frames, lets labels follow, and writes the batch's part of the dataset."""
    report = throttled(get_run_logger().info, f"export {batch.name}")
    with opened(config.workspace_place) as workspace, building(config.output_place) as folder:
        return export_batch(config, workspace, batch, folder, load_plan(workspace, batch.run).classes, report)
