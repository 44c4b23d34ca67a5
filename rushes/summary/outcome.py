"""What a run came to, in the few numbers that people and scripts ask for."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.damage import report_damage, reported_damage
from rushes.errors import LedgerError
from rushes.export.rows import rejection_row
from rushes.join import outcomes
from rushes.jsonl import atomic_write, encode
from rushes.plan import runs_with, started
from rushes.records import Media, Rejection
from rushes.results import results, work_done
from rushes.seals import load, save
from rushes.workspace import Workspace

__all__ = [
    "FAILURES",
    "STATUSES",
    "RunOutcome",
    "failed_share",
    "ingest_outcome",
    "load_outcome",
    "save_outcome",
]

FAILURES = "failures.jsonl"
"""Rows of the items that did not end ok: in the dataset, and in the run's folder."""

_OUTCOME = "outcome.json"

STATUSES = ("ok", "failed", "skipped", "quarantined")


class RunOutcome(msgspec.Struct, frozen=True):
    """What a run came to.

    Attributes:
        run: The run's id.
        items: Items by status, and `planned`.
        failures_by_code: Items that did not end ok, by error code.
        work: Per stage what this run did: batches, items done and stopped, bytes, and the busy seconds of all batches.
        over_limit: Whether more items failed than `run.max_failed` allows.
        failed_share_before: Share of items that failed in the run before; None where there is none.
        empty: Whether nothing came of it: of an ingest no media, of an export no file of the dataset.
        dataset: Folder of the dataset, after an export.
        files: Images and videos in the dataset, after an export.
        manifest_sha256: Digest of its manifest, after an export.
        changed_manifest: Whether that is another one than before, or the first, after an export.
        since: How it differs from the dataset before, in counts; None where there is none to compare it with.
        report: Whether the dataset has its report.
        messages: What was found damaged, and warnings of the exporter.
        elapsed_s: From the run's beginning to this outcome, in seconds.
    """

    run: str
    items: dict[str, int]
    failures_by_code: dict[str, int]
    work: dict[str, dict[str, float]]
    over_limit: bool
    empty: bool = False
    dataset: str | None = None
    files: int | None = None
    manifest_sha256: str | None = None
    changed_manifest: bool | None = None
    since: dict[str, Any] | None = None
    report: bool = False
    messages: tuple[str, ...] = ()
    elapsed_s: float = 0.0
    failed_share_before: float | None = None

    @property
    def failed_share_moved(self) -> Literal["first", "fell", "same", "rose"]:
        """Where the share of items that failed went since the run before."""
        if self.failed_share_before is None:
            return "first"
        now = failed_share(self.items)
        return "same" if now == self.failed_share_before else "fell" if now < self.failed_share_before else "rose"

    @property
    def good(self) -> bool:
        """Whether it may take the place of an earlier one: the run did not fail."""
        return not (self.over_limit or self.empty)

    @property
    def fetched(self) -> int:
        """Items whose bytes arrived in this run."""
        return self._done("download")

    @property
    def made(self) -> int:
        """Media that this run probed, and transcoded where asked."""
        return self._done("transcode")

    @property
    def changed(self) -> int:
        """Items of which the source has other bytes than in an earlier run."""
        return int(self.work.get("checksum", {}).get("changed", 0))

    def _done(self, stage: str) -> int:
        return int(self.work.get(stage, {}).get("done", 0))


def ingest_outcome(pipeline: Pipeline, workspace: Workspace, run: str) -> RunOutcome:
    """Counts how the planned items stand after an ingest, and lists those that did not end ok in the run's folder."""
    items: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    empty = True
    with atomic_write(workspace.run(run) / FAILURES) as failures:
        for outcome in outcomes(pipeline, workspace, run):
            if isinstance(outcome, Rejection):
                items[outcome.status] += 1
                codes[outcome.code] += 1
                failures.write(encode(rejection_row(outcome)) + b"\n")
            else:
                items["ok"] += 1
                empty = empty and not isinstance(outcome, Media)
    counts = {"planned": items.total()} | {status: items[status] for status in STATUSES}
    over_limit = failed_share(counts) > pipeline.run.max_failed
    workspace.need_all(f"runs/{run}/results")
    work = work_done(results(workspace, run, partial(report_damage, workspace, run)))
    ended = RunOutcome(run, counts, dict(sorted(codes.items())), work, over_limit, empty)
    return save_outcome(workspace, replace(ended, messages=tuple(reported_damage(workspace, run))))


def save_outcome(workspace: Workspace, outcome: RunOutcome) -> RunOutcome:
    """Keeps a run's outcome beside its plan, and returns it."""
    elapsed_s = round((datetime.now(UTC) - started(outcome.run)).total_seconds(), 3)
    outcome = replace(outcome, elapsed_s=elapsed_s, failed_share_before=_failed_share_before(workspace, outcome.run))
    save(workspace.run(outcome.run) / _OUTCOME, outcome)
    return outcome


def load_outcome(workspace: Workspace, run: str) -> RunOutcome | None:
    """Returns the outcome of a run that came so far, or None.

    Raises:
        LedgerError: It is damaged.
    """
    path = workspace.run(run) / _OUTCOME
    workspace.need(workspace.relative(path))
    return load(path, RunOutcome) if path.exists() else None


def _failed_share_before(workspace: Workspace, run: str) -> float | None:
    for earlier in reversed(runs_with(workspace, _OUTCOME)):
        with suppress(LedgerError):
            if earlier < run and (outcome := load_outcome(workspace, earlier)):
                return failed_share(outcome.items)
    return None


def failed_share(items: dict[str, int]) -> float:
    """Returns the share of planned items that failed or were quarantined."""
    return (items["failed"] + items["quarantined"]) / items["planned"] if items["planned"] else 0.0
