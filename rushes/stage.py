"""One stage over one batch: what is pending goes through the stage, several at a time, and its outcomes into a segment.

A segment holds what became of each key, and is the truth for whoever runs the stage again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rushes.items import PlanItem
from rushes.jsonl import read_lines
from rushes.ledger import Known, Ledger, segment
from rushes.progress import Report, telling
from rushes.records import Download, Media, Rejection, Unpacked, Verified
from rushes.results import BatchResult, save_result
from rushes.transfer.urls import redact
from rushes.workers import each
from rushes.workspace import Batch, Workspace

__all__ = [
    "STOPPED",
    "Pending",
    "downloads_of",
    "ledger_of",
    "long_of",
    "need",
    "run_groups",
    "run_stage",
    "segment_of",
]

STOPPED = "rushes.stopped"
"""The logger that is told of each item that a stage stops; whoever wants to hear of them adds a handler."""
_log = logging.getLogger(STOPPED)
_log.addHandler(logging.NullHandler())
_log.propagate = False

T = TypeVar("T")
Pending = Callable[[list[PlanItem], dict[str, Known]], list[tuple[str, T]]]
"""Given a batch's items and what its segment holds already, returns what is to do, by key."""

_LEDGERS = ("verified", "unpacked", "media")
_GAINS: dict[str, type[Download | Verified | Unpacked | Media]] = {
    "download": Download,
    "checksum": Verified,
    "unpack": Unpacked,
    "transcode": Media,
}


def run_stage(
    stage: str,
    workspace: Workspace,
    batch: Batch,
    path: Path,
    pending: Pending[T],
    one: Callable[[T], Known | None],
    workers: int,
    report: Report | None,
) -> BatchResult:
    """Does what `run_groups` does, item by item."""

    def some(items: Sequence[T]) -> list[Known | None]:
        return [one(item) for item in items]

    return run_groups(stage, workspace, batch, path, pending, some, 1, workers, report)


def run_groups(
    stage: str,
    workspace: Workspace,
    batch: Batch,
    path: Path,
    pending: Pending[T],
    some: Callable[[Sequence[T]], Iterable[Known | None]],
    at_a_time: int,
    workers: int,
    report: Report | None,
) -> BatchResult:
    """Runs a stage over a batch, and keeps and returns its figures.

    Args:
        stage: download, checksum, unpack or transcode.
        workspace: The workspace.
        batch: The batch.
        path: The segment that outcomes go into.
        pending: What is to do.
        some: Does it, for a group at a time; returns an outcome for each, in order, None for one that is left.
        at_a_time: How many make a group.
        workers: Groups under way at a time.
        report: Told after each group.
    """
    start = time.monotonic()
    items = list(read_lines(workspace.path(batch.plan), PlanItem, batch.offset, batch.count))
    with segment(path) as ledger, telling(workspace, batch, stage, report) as tell:
        tally, lock = _Tally(), threading.Lock()

        def settle(keyed: Sequence[tuple[str, T]]) -> None:
            outcomes = some([item for _, item in keyed])
            with lock:
                for (key, _), outcome in zip(keyed, outcomes, strict=True):
                    if outcome is None:
                        continue
                    ledger.append(key, outcome)
                    tally.add(outcome, isinstance(outcome, _GAINS[stage]))
                    if isinstance(outcome, Rejection) and outcome.stage == stage:  # the next stage hands it on
                        _tell_of(outcome, batch)
                tell(len(ledger.done), len(items))

        left = pending(items, ledger.done)
        each([left[start : start + at_a_time] for start in range(0, len(left), at_a_time)], settle, workers)
    figures = (len(items), tally.done, tally.stopped, tally.size_bytes, time.monotonic() - start)
    return save_result(workspace, BatchResult(batch, stage, *figures, media_s=round(tally.media_s, 3)))


def _tell_of(item: Rejection, batch: Batch) -> None:
    url = redact(item.source.url)
    parts = {"item": item.source.id, "stage": item.stage, "status": item.status, "code": item.code, "url": url}
    where = {"run": batch.run, "batch": batch.name}
    line = "%s: %s in %s, %s: %s (%s)"
    _log.warning(line, item.source.id, item.status, item.stage, item.code, item.message, url, extra=parts | where)


@dataclass(slots=True)
class _Tally:
    done: int = 0
    stopped: int = 0
    size_bytes: int = 0
    media_s: float = 0.0

    def add(self, outcome: Known, gained: bool) -> None:
        self.stopped += isinstance(outcome, Rejection)
        if gained and not isinstance(outcome, Rejection):
            self.done += 1
            self.size_bytes += outcome.size_bytes
        if isinstance(outcome, Media):
            self.media_s += outcome.source_info.duration_s or 0.0


def need(workspace: Workspace, batch: Batch) -> None:
    """Has here what a step reads and what an earlier try of it wrote."""
    written = (downloads_of(workspace, batch), *(segment_of(workspace, stage, batch) for stage in _LEDGERS))
    workspace.need(batch.plan, *map(workspace.relative, written))


def downloads_of(workspace: Workspace, batch: Batch) -> Path:
    """Returns the segment of what arrived, which is the run's own and no ledger's."""
    return workspace.run(batch.run) / "downloads" / f"{batch.name}.jsonl"


def long_of(workspace: Workspace, batch: Batch) -> Path:
    """Returns the list of the long videos that a batch left."""
    return workspace.run(batch.run) / "long" / f"{batch.name}.jsonl"


def segment_of(workspace: Workspace, stage: str, batch: Batch) -> Path:
    """Returns a batch's segment of a ledger."""
    return workspace.ledger(stage) / f"{batch.run}-{batch.name}.jsonl"


def ledger_of(workspace: Workspace, stage: str, batch: Batch) -> Ledger:
    """Returns what a batch's segment of a ledger holds."""
    path = segment_of(workspace, stage, batch)
    return Ledger(path.parent, path.name)
