"""The final aggregation, as a task, and what it shows to people in Prefect."""

from __future__ import annotations

from functools import partial

import httpx
from prefect import get_run_logger, task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact
from prefect.exceptions import PrefectException

from rushes.config import Pipeline
from rushes.summary.aggregate import aggregate as aggregate_dataset
from rushes.summary.outcome import RunOutcome, ingest_outcome
from rushes.summary.shown import examples, failure_table, markdown, picture
from rushes.summary.text import artifact_key
from rushes.workspace import Batch, Workspace, opened
from tasks.options import STEP
from tasks.patience import patiently

__all__ = ["aggregate", "tally"]


@task(name="aggregate", task_run_name="aggregate", tags={"rushes", "aggregate"}, **STEP)
def aggregate(config: Pipeline, run: str, batches: tuple[Batch, ...]) -> RunOutcome:
    """Writes manifest, dataset files and counts, publishes the dataset, and shows its summary and its failures."""
    with opened(config.workspace_place) as workspace:
        ended = aggregate_dataset(config, workspace, run, batches)
        show(config, workspace, ended, "summary", "failures")
    return ended


@task(name="tally", task_run_name="tally", tags={"rushes", "aggregate"}, **STEP)
def tally(config: Pipeline, run: str) -> RunOutcome:
    """Counts how the planned items stand after an ingest, and shows it."""
    with opened(config.workspace_place) as workspace:
        ended = ingest_outcome(config, workspace, run)
        show(config, workspace, ended, "ingest", "ingest-failures")
    return ended


def show(config: Pipeline, workspace: Workspace, ended: RunOutcome, summary: str, failures: str) -> None:
    """Makes the artifacts that tell what a run came to: a table and a picture only where there is something to show.

    Where the server stays away the run ends without them: what they tell stands in the dataset, too.
    """
    text, rows = markdown(config, ended, examples(workspace, ended)), failure_table(workspace, ended)
    pictures = picture(workspace, ended) if config.run.show_pictures else None
    try:
        patiently(partial(create_markdown_artifact, text, artifact_key(config.name, summary), "What the run came to"))
        if rows:
            key = artifact_key(config.name, failures)
            patiently(partial(create_table_artifact, rows, key, "Items that did not make it"))
        if pictures:
            key = artifact_key(config.name, "pictures")
            patiently(partial(create_image_artifact, pictures, key, "Some files of the dataset, with their labels"))
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        get_run_logger().warning("What the run came to cannot be shown in Prefect: %s", error)
