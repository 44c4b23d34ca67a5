"""An aggregation that is done again, because its machine went: what it finds of the attempt before.

Between the moment in which a dataset takes its place and the one in which the run knows of it, the old one is deleted,
which takes as long as it is large. Who was killed there left no folder to go on in, or the old dataset in its stead.
Who was killed before left a folder with some of its documents, one of them half written.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec

from rushes.config import Pipeline
from rushes.summary.outcome import FAILURES, RunOutcome
from rushes.summary.output import places, published, shown, tidy
from rushes.summary.publish import SUMMARY
from rushes.workspace import Workspace

__all__ = ["ended_before", "sweep"]

_STATS = "stats.json"
_UNFINISHED = frozenset({".part", ".kept", ".own"})
_TOLD = ("run", "items", "work", "over_limit", "empty", "manifest_sha256", "changed_manifest", "since")
"""What the summary of a dataset says in the same words as the outcome of its run."""


def ended_before(pipeline: Pipeline, workspace: Workspace, run: str) -> RunOutcome | None:
    """Returns what a run came to whose dataset is in its place already; None where it is not.

    What the earlier attempt left beside it goes, and the list of failures is kept with the run, as it would have been.
    """
    for place in places(pipeline.output_place):
        with published(place, SUMMARY, _STATS, FAILURES) as folder:
            summary = _read(folder / SUMMARY)
            if summary.get("run") == run:
                workspace.run(run).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / FAILURES, workspace.run(run) / FAILURES)
                ended = _outcome(summary, _read(folder / _STATS))
                tidy(pipeline.output_place)
                return msgspec.structs.replace(ended, dataset=shown(place))
    return None


def sweep(building: Path) -> None:
    """Removes documents that an attempt before left unfinished, under names of their own."""
    for path in building.glob(".*"):
        if path.suffix in _UNFINISHED:
            path.unlink()


def _outcome(summary: dict[str, Any], stats: dict[str, Any]) -> RunOutcome:
    return RunOutcome(
        **{name: summary[name] for name in _TOLD},
        messages=tuple(summary["messages"]),
        failures_by_code=stats["failures_by_code"],
        files=stats["files"],
        report=True,
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return {}  # of somebody else, or of nobody
    return found if isinstance(found, dict) else {}
