"""Proving a dataset, as a task, and what it shows to people in Prefect."""

from __future__ import annotations

from itertools import islice

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from rushes.config import expand
from rushes.summary.differences import report, rows
from rushes.summary.text import artifact_key
from rushes.summary.verify import Verification, verify_dataset
from tasks.options import STEP

__all__ = ["verify"]

_ROWS = 200


@task(name="verify", task_run_name="verify", tags={"rushes", "verify"}, **STEP)
def verify(dataset: str, expect: str | None, name: str) -> Verification:
    """Hashes every file of a dataset again, and shows what came of it; a table only where something differs."""
    found = verify_dataset(expand(dataset, "dataset"), expect=expect)
    create_markdown_artifact(report(found, dataset), artifact_key(name, "verification"), "What the verification found")
    if table := [*islice(rows(found), _ROWS)]:
        create_table_artifact(table, artifact_key(name, "differences"), "Files that are not as they were written")
    return found
