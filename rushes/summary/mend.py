"""Batches of which something that they handed over is damaged are exported again, before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from rushes.config import Pipeline
from rushes.damage import report_damage
from rushes.errors import LedgerError
from rushes.export.batch import export_batch
from rushes.export.handover import damaged
from rushes.plan import load_plan
from rushes.summary.output import building
from rushes.workspace import Batch, Workspace

__all__ = ["mend_batches"]


def mend_batches(pipeline: Pipeline, workspace: Workspace, run: str, batches: Sequence[Batch]) -> None:
    """Exports those batches again whose files in `runs/<run>/export/` are not what they handed over.

    Raises:
        LedgerError: They come out damaged once more.
    """
    for batch in batches:
        found = damaged(workspace, run, batch.name)
        if not found:
            continue
        places = ", ".join(_place(workspace, path) for path in found)
        report_damage(workspace, run, f"{places}: damaged; batch {batch.name} is exported again, and no other")
        with building(pipeline.output_place) as folder:
            export_batch(pipeline, workspace, batch, folder, load_plan(workspace, run).classes)
        if found := damaged(workspace, run, batch.name):
            raise LedgerError(f"{', '.join(found)}: damaged again after it was written anew. Check the disk.")


def _place(workspace: Workspace, relative: str) -> str:
    """Returns a file, with the first line of it that is no JSON, where there is one."""
    path = workspace.path(relative)
    if not path.is_file():
        return f"{relative} (missing)"
    number = _first_bad_line(path)
    return f"{relative}, line {number}" if number else relative


def _first_bad_line(path: Path) -> int | None:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                return number
    return None
