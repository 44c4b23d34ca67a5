"""How each planned item ended: the plan's rows joined with what the ledgers say, in source order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import msgspec

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import NotIngestedError
from rushes.files.urls import redact
from rushes.items import PlanItem, recipe
from rushes.jsonl import read_lines
from rushes.ledger import Ledger, media_key
from rushes.plan import load_plan
from rushes.records import Media, Outcome, Rejection, Source, Verified
from rushes.rejection import reject
from rushes.workspace import Batch, Workspace

__all__ = ["outcomes", "plan_export"]

# Expected work on one core, in seconds.
_IMAGE_S = 0.001  # to link it and write its labels
_VIDEO_S = 0.2  # to start two programs
_VIDEO_S_PER_S = 0.05  # to decode


def plan_export(pipeline: Pipeline, workspace: Workspace, run: str) -> tuple[Batch, ...]:
    """Writes how every item ended to `runs/<run>/export.jsonl` and cuts it into batches of about equal work."""
    costed = ((outcome, _cost(outcome)) for outcome in outcomes(pipeline, workspace, run))
    size = None if pipeline.run.batch_size == "auto" else pipeline.run.batch_size
    return tuple(cut(workspace.run(run) / "export.jsonl", costed, run, workspace, size))


def outcomes(pipeline: Pipeline, workspace: Workspace, run: str) -> Iterator[Outcome]:
    """Yields how each planned item ended, in source order, its URL redacted."""
    workspace.need_all("ledger")
    workspace.need(f"runs/{run}/items.jsonl")
    verified = Ledger(workspace.ledger("verified"))
    media = Ledger(workspace.ledger("media"))
    splits = load_plan(workspace, run).group_splits
    for item in read_lines(workspace.run(run) / "items.jsonl", PlanItem):
        split = item.source.split or splits.get(item.source.group or "")
        source = msgspec.structs.replace(item.source, url=redact(item.source.url), split=split)
        if item.rejection is not None:
            yield msgspec.structs.replace(item.rejection, source=source)
        else:
            outcome = _joined(item, source, verified, media, recipe(pipeline))
            here = isinstance(outcome, Rejection) or workspace.holds(outcome.path, outcome.size_bytes)
            yield outcome if here else _missing(source)


def _joined(item: PlanItem, source: Source, verified: Ledger, media: Ledger, recipe: str) -> Outcome:
    arrived = verified.get(item.key)
    if isinstance(arrived, Rejection):
        return msgspec.structs.replace(arrived, source=source)
    if isinstance(arrived, Verified):
        arrived = msgspec.structs.replace(arrived, source=source)
        made = media.get(media_key(arrived.sha256, recipe))
        if isinstance(made, Media):
            return msgspec.structs.replace(made, verified=arrived)
        if isinstance(made, Rejection):
            message = made.message.replace(PurePosixPath(arrived.path).name, source.id)  # people know ids, not digests
            return msgspec.structs.replace(made, source=source, message=message, attempts=arrived.attempts)
    return _missing(source)


def _missing(source: Source) -> Rejection:
    error = NotIngestedError(f"{source.id}: not ingested yet. Run `rushes ingest` or `rushes run` first.")
    return reject(source, "export", error)


def _cost(outcome: Outcome) -> float:
    if isinstance(outcome, Rejection) or not outcome.info.media_type.startswith("video/"):
        return _IMAGE_S
    return _VIDEO_S + _VIDEO_S_PER_S * (outcome.info.duration_s or 0.0)
