"""How each planned item ended: the plan's rows joined with what the ledgers say, in source order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from functools import cache
from pathlib import PurePosixPath

import msgspec

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import AnnotationError, NotIngestedError, NotMediaError
from rushes.files.unpack import is_archive
from rushes.items import PlanItem, made_key
from rushes.jsonl import read_lines
from rushes.ledger import Ledger
from rushes.members import check_row, members
from rushes.plan import load_plan
from rushes.records import Media, Outcome, Rejection, Source, Unpacked, Verified
from rushes.rejection import reject
from rushes.transfer.urls import redact
from rushes.workspace import Batch, Workspace

__all__ = ["outcomes", "plan_export"]

# Expected work on one core, in seconds.
_IMAGE_S = 0.001  # to link it and write its labels
_VIDEO_S = 0.2  # to start two programs
_VIDEO_S_PER_S = 0.05  # to decode


def plan_export(
    pipeline: Pipeline, workspace: Workspace, run: str, deal: Callable[[Iterator[Outcome]], Iterator[Outcome]] = iter
) -> tuple[Batch, ...]:
    """Writes how every item ended to `runs/<run>/export.jsonl` and cuts it into batches of about equal work.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        run: The run's id.
        deal: Gives items their splits.
    """
    costed = ((outcome, _cost(outcome)) for outcome in deal(outcomes(pipeline, workspace, run)))
    size = None if pipeline.run.batch_size == "auto" else pipeline.run.batch_size
    return tuple(cut(workspace.run(run) / "export.jsonl", costed, run, workspace, size))


def outcomes(pipeline: Pipeline, workspace: Workspace, run: str) -> Iterator[Outcome]:
    """Yields how each planned item ended, in source order, its URL redacted; after an archive, each of its members."""
    workspace.need_all("ledger")
    workspace.need(f"runs/{run}/items.jsonl")
    joined = _Join(pipeline, workspace)
    splits = load_plan(workspace, run).group_splits
    ids = cache(lambda: {item.source.id for item in _items(workspace, run)})
    for item in _items(workspace, run):
        split = item.source.split or splits.get(item.source.group or "")
        source = msgspec.structs.replace(item.source, url=redact(item.source.url), split=split)
        if item.rejection is not None:
            yield msgspec.structs.replace(item.rejection, source=source)
            continue
        outcome = joined.row(item, source)
        yield outcome
        if isinstance(outcome, Unpacked):
            yield from joined.members(outcome, ids())


def _items(workspace: Workspace, run: str) -> Iterator[PlanItem]:
    return read_lines(workspace.run(run) / "items.jsonl", PlanItem)


class _Join:
    """What the ledgers know of bytes, under the name of the item at hand."""

    def __init__(self, pipeline: Pipeline, workspace: Workspace) -> None:
        self._pipeline, self._workspace = pipeline, workspace
        self._verified, self._media, self._unpacked = (
            Ledger(workspace.ledger(stage)) for stage in ("verified", "media", "unpacked")
        )

    def row(self, item: PlanItem, source: Source) -> Outcome:
        """Returns how a row ended."""
        arrived = self._verified.get(item.key)
        if isinstance(arrived, Rejection):
            return msgspec.structs.replace(arrived, source=source)
        if isinstance(arrived, Verified):
            return self._made(msgspec.structs.replace(arrived, source=source))
        return _missing(source)

    def members(self, archive: Unpacked, taken: Set[str]) -> Iterator[Outcome]:
        """Yields how the members of an archive ended: what is no media there was never meant as an item."""
        for member in members(archive, self._workspace, taken):
            outcome = self._made(member)
            if isinstance(outcome, Rejection) and outcome.code == NotMediaError.code:
                outcome = msgspec.structs.replace(outcome, status="skipped")
            yield outcome

    def _made(self, arrived: Verified) -> Outcome:
        source = arrived.source
        known = self._unpacked if is_archive(arrived) else self._media
        made = known.get(made_key(arrived, self._pipeline))
        if isinstance(made, Rejection):
            message = made.message.replace(PurePosixPath(arrived.path).name, source.id)  # people know ids, not digests
            return msgspec.structs.replace(made, source=source, message=message, attempts=arrived.attempts)
        if not isinstance(made, Media | Unpacked) or not self._workspace.holds(made.path, made.size_bytes):
            return _missing(source)
        if isinstance(made, Unpacked):
            try:
                check_row(source)
            except AnnotationError as error:
                return reject(source, "unpack", error)
        return msgspec.structs.replace(made, verified=arrived)


def _missing(source: Source) -> Rejection:
    error = NotIngestedError(f"{source.id}: not ingested yet. Run `rushes ingest` or `rushes run` first.")
    return reject(source, "export", error)


def _cost(outcome: Outcome) -> float:
    if not isinstance(outcome, Media) or not outcome.info.media_type.startswith("video/"):
        return _IMAGE_S
    return _VIDEO_S + _VIDEO_S_PER_S * (outcome.info.duration_s or 0.0)
