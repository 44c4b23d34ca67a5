"""What a run has to do: the source's rows against what the ledgers know, cut into batches.

The plan stands in `runs/<run>/`, readable by its owner only, because URLs may carry credentials:

    items.jsonl   one PlanItem per row, in source order: what every later step joins with
    ingest.jsonl  those with bytes to fetch or media to make, each key once: what batches are ranges of
    plan.json     the counts, the batches and the class names
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.files.resume import sweep
from rushes.files.urls import identity, redact
from rushes.jsonl import atomic_write, decode, encode, read_lines, write_lines
from rushes.ledger import Ledger, media_key
from rushes.media import recipe_of
from rushes.records import Media, Rejection, Source, Verified
from rushes.sources import read_sources
from rushes.workspace import Batch, Workspace

__all__ = ["Plan", "PlanItem", "latest_run", "load_plan", "make_plan", "new_run", "recipe", "source_key", "to_ask"]

_IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Expected work on one core, in seconds: measured on small pictures and on 1080p clips, and meant to cut by, no more.
_IMAGE_S = 0.005
_VIDEO_S = 1.25
_VIDEO_S_PER_MB = 1.0


class PlanItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One planned item, and what the ledgers know of it.

    Attributes:
        key: The verified ledger's key.
        source: The row.
        rejection: How it ended already: an unreadable or a doubled row.
        verified: Its bytes are in the store.
        made: What the recipe makes of these bytes is there too.
        previous: How it was stopped before, with the validators to ask whether it changed.
    """

    key: str
    source: Source
    rejection: Rejection | None = None
    verified: Verified | None = None
    made: bool = False
    previous: Rejection | None = None


class Plan(msgspec.Struct, frozen=True):
    """What a run has to do.

    Attributes:
        run: The run's id: sorts by time.
        planned: Rows of the source.
        new: Items never seen.
        again: Items that failed or were quarantined before, and are tried again.
        remake: Items whose bytes are here, and whose media must be made.
        unchanged: Items that need nothing, unless their source, when asked, says that they changed.
        rejected: Rows that ended in the plan.
        classes: Class names in the order of the source.
        batches: Ranges of `ingest.jsonl`.
        group_splits: The split of each group of which a member was given one; its others follow.
    """

    run: str
    planned: int
    new: int
    again: int
    remake: int
    unchanged: int
    rejected: int
    classes: tuple[str, ...]
    batches: tuple[Batch, ...]
    group_splits: dict[str, str] = {}


def new_run(now: datetime | None = None) -> str:
    """Returns an id for a run: UTC time and four random hex digits, so that ids sort by time."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(2)}"


def latest_run(workspace: Workspace) -> str | None:
    """Returns the id of the latest run that was planned here, or None."""
    runs = sorted(path.parent.name for path in workspace.root.glob("runs/*/plan.json"))
    return runs[-1] if runs else None


def recipe(pipeline: Pipeline) -> str:
    """Returns the hash of what the pipeline makes of each media file."""
    return recipe_of(pipeline.transcode.config() if pipeline.transcode else None)


def source_key(source: Source) -> str:
    """Returns what identifies an item's bytes: URL without volatile parts, checksum, and a local file's state."""
    parts = [identity(source.url), source.checksum or ""]
    if source.url.startswith("file://"):
        parts.append(_file_state(Path(unquote(urlsplit(source.url).path))))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def to_ask(item: PlanItem) -> bool:
    """Tells whether to ask the source if it still has the bytes that are here: no checksum says so, a validator can."""
    known = item.verified
    named = known is not None and (known.etag or known.last_modified) is not None
    return named and not item.source.checksum and not item.source.url.startswith("file://")


def make_plan(pipeline: Pipeline, workspace: Workspace, run: str) -> Plan:
    """Reads the source, asks the ledgers, and writes the run's plan.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace; leftovers of transfers that a killed run had under way are removed.
        run: The run's id.

    Raises:
        ConfigError: The source file cannot be used at all, or has no rows.
    """
    _sweep(workspace)
    folder = workspace.run(run)
    write_lines(folder / "items.jsonl", _look_up(pipeline, workspace), mode=0o600)
    counts = dict.fromkeys(("planned", "new", "again", "remake", "unchanged", "rejected"), 0)
    classes: dict[str, None] = {}
    splits: dict[str, str] = {}

    def todo() -> Iterator[tuple[PlanItem, float]]:
        seen: set[str] = set()
        for item in read_lines(folder / "items.jsonl", PlanItem):
            state = _state(item)
            counts["planned"] += 1
            counts[state] += 1
            classes.update(dict.fromkeys(_labels(item.source)))
            if item.source.group and item.source.split:
                splits.setdefault(item.source.group, item.source.split)
            if (state not in {"unchanged", "rejected"} or to_ask(item)) and item.key not in seen:
                seen.add(item.key)
                yield item, _cost(item)

    size = pipeline.run.batch_size
    batches = cut(folder / "ingest.jsonl", todo(), run, workspace, None if size == "auto" else size)
    if not counts["planned"]:
        raise ConfigError(
            f"source = {redact(pipeline.source)}: has no rows; expected at least one item. Had the run gone on, an "
            "empty dataset would have taken the place of the last one. Check what writes the file."
        )
    plan = Plan(run, **counts, classes=tuple(classes), batches=tuple(batches), group_splits=splits)
    with atomic_write(folder / "plan.json") as file:
        file.write(encode(plan))
    return plan


def load_plan(workspace: Workspace, run: str) -> Plan:
    """Returns the plan that `make_plan` wrote."""
    path = workspace.run(run) / "plan.json"
    return decode(path.read_bytes(), Plan, str(path))


def _look_up(pipeline: Pipeline, workspace: Workspace) -> Iterator[PlanItem]:
    ledger, media = Ledger(workspace.ledger("verified")), Ledger(workspace.ledger("media"))
    for row in read_sources(pipeline.source, pipeline.download):
        if isinstance(row, Rejection):
            yield PlanItem("", row.source, rejection=row)
            continue
        key = source_key(row)
        known = ledger.get(key)
        arrived = known if isinstance(known, Verified) else None
        verified = arrived if arrived and workspace.holds(arrived.path, arrived.size_bytes) else None
        previous = known if isinstance(known, Rejection) else None
        found = verified and media.get(media_key(verified.sha256, recipe(pipeline)))
        if verified and isinstance(found, Rejection):
            previous = replace(found, etag=verified.etag, last_modified=verified.last_modified)
        made = isinstance(found, Media) and workspace.holds(found.path, found.size_bytes)
        yield PlanItem(key, row, verified=verified, made=made, previous=previous)


def _state(item: PlanItem) -> str:
    if item.rejection is not None:
        return "rejected"
    if item.previous is not None:
        return "again"
    if item.verified is None:
        return "new"
    return "unchanged" if item.made else "remake"


def _labels(source: Source) -> Iterator[str]:
    if source.label:
        yield source.label
    for annotation in source.annotations or ():
        yield annotation.label


def _cost(item: PlanItem) -> float:
    if to_ask(item) or Path(urlsplit(item.source.url).path).suffix.lower() in _IMAGE_SUFFIXES:
        return _IMAGE_S
    return item.verified.size_bytes / 1e6 * _VIDEO_S_PER_MB if item.verified else _VIDEO_S


def _file_state(path: Path) -> str:
    try:
        state = path.stat()
    except OSError:
        return "missing"  # the download says so, with the right code
    return f"{state.st_size}-{state.st_mtime_ns}"


def _sweep(workspace: Workspace) -> None:
    """Removes what dead runs had under way; the caller holds the workspace's lock, so none is alive.

    Everything unfinished stands in `incoming/`, where transfers that can be gone on with stay, or begins with a dot
    beside its target.
    """
    sweep(workspace.incoming)
    for kind in ("media", "derived", "runs", "quarantine"):
        for folder, folders, files in os.walk(workspace.root / kind):
            for name in [name for name in folders if name.startswith(".")]:
                shutil.rmtree(Path(folder) / name, ignore_errors=True)
                folders.remove(name)
            for name in files:
                if name.startswith("."):
                    (Path(folder) / name).unlink(missing_ok=True)
