"""What a run has to do: the source's rows against what the ledgers know, cut into batches.

The plan stands in `runs/<run>/`, readable by its owner only, because URLs may carry credentials:

    items.jsonl   one PlanItem per row, in source order: what every later step joins with
    ingest.jsonl  those with bytes to fetch or media to make, each key once: what batches are ranges of
    plan.json     the counts, the batches and the class names
    categories.jsonl  what a source that is a dataset says of its classes
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.files.unpack import is_archive
from rushes.items import STATES, PlanItem, look_up, state, to_ask
from rushes.jsonl import read_lines, write_lines
from rushes.labels import Category
from rushes.ledger_check import check_ledgers
from rushes.records import Rejection, Source
from rushes.seals import load, save
from rushes.transfer.resume import sweep
from rushes.transfer.urls import redact, suffix
from rushes.workspace import Batch, Workspace

__all__ = [
    "Given",
    "Plan",
    "cost_s",
    "latest_run",
    "load_categories",
    "load_plan",
    "make_plan",
    "new_run",
    "runs_with",
    "started",
]

_IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
# Expected work on one core, in seconds: measured on small pictures and on 1080p clips, and meant to cut by, no more.
_IMAGE_S = 0.005
_VIDEO_S = 1.25
_VIDEO_S_PER_MB = 1.0


class Plan(msgspec.Struct, frozen=True):
    """What a run has to do.

    Attributes:
        run: The run's id: sorts by time.
        planned: Rows of the source.
        new: Items never seen, or gone from the store.
        changed: Items whose checksum is another one than before, and local files that were touched since.
        again: Items that failed or were quarantined before, and are tried again.
        remake: Items whose bytes are here, and whose media must be made.
        unchanged: Items that need nothing, unless their source, when asked, says that they changed.
        rejected: Rows that ended in the plan.
        classes: Class names in the order of the source.
        batches: Ranges of `ingest.jsonl`.
        group_splits: The split of each group of which a member was given one; its others follow.
        archives: Archives that were unpacked before; their members may need something all the same.
        chunks: Whether an earlier run left chunks of long videos.
    """

    run: str
    planned: int
    new: int
    changed: int
    again: int
    remake: int
    unchanged: int
    rejected: int
    classes: tuple[str, ...]
    batches: tuple[Batch, ...]
    group_splits: dict[str, str] = {}
    archives: int = 0
    chunks: bool = False


class Given(NamedTuple):
    """Rows that were read before, and what was known of their classes.

    Attributes:
        rows: In their order.
        classes: Class names in the order of the source, of rows that are no longer among them, too.
        categories: What a source that was a dataset said of them.
    """

    rows: Iterable[Source | Rejection]
    classes: Sequence[str]
    categories: Sequence[Category]


def new_run(now: datetime | None = None) -> str:
    """Returns an id for a run: UTC time and four random hex digits, so that ids sort by time."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(2)}"


def started(run: str) -> datetime:
    """Returns when a run began, which its id says."""
    return datetime.strptime(run.partition("Z")[0], "%Y%m%dT%H%M%S%f").replace(tzinfo=UTC)


def latest_run(workspace: Workspace) -> str | None:
    """Returns the id of the latest run that was planned here, or None."""
    return max(runs_with(workspace, "plan.json"), default=None)


def runs_with(workspace: Workspace, name: str) -> list[str]:
    """Returns the ids of the runs in whose folder such a file stands, in the order of their time."""
    if workspace.mirror:
        found = [Path(entry.name) for entry in workspace.mirror.storage.list("runs")]
    else:
        found = list(workspace.root.glob(f"runs/*/{name}"))
    return sorted(path.parent.name for path in found if path.name == name)


def make_plan(pipeline: Pipeline, workspace: Workspace, run: str, given: Given | None = None) -> Plan:
    """Reads the source, asks the ledgers, and writes the run's plan.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace; leftovers of transfers that a killed run had under way are removed.
        run: The run's id.
        given: Rows to plan in the place of those of the pipeline's source.

    Raises:
        ConfigError: The source file cannot be used at all, or has no rows.
    """
    _sweep(workspace)
    check_ledgers(workspace, run, latest_run(workspace))
    folder = workspace.run(run)
    categories = [*given.categories] if given else []
    rows = look_up(pipeline, workspace, categories, given.rows if given else None)
    write_lines(folder / "items.jsonl", rows, mode=0o600)
    write_lines(folder / "categories.jsonl", categories)
    counts = dict.fromkeys(("planned", *STATES, "archives"), 0)
    classes = dict.fromkeys(given.classes if given else (category.name for category in categories))
    splits: dict[str, str] = {}

    def todo() -> Iterator[tuple[PlanItem, float]]:
        seen: set[str] = set()
        for item in read_lines(folder / "items.jsonl", PlanItem):
            known = state(item)
            counts["planned"] += 1
            counts[known] += 1
            counts["archives"] += item.made and item.verified is not None and is_archive(item.verified)
            classes.update(dict.fromkeys(_labels(item.source)))
            if item.source.group and item.source.split:
                splits.setdefault(item.source.group, item.source.split)
            asked = to_ask(item, pipeline)
            if (known not in {"unchanged", "rejected"} or asked) and item.key not in seen:
                seen.add(item.key)
                yield item, cost_s(item, asked)

    size, least = pipeline.run.batch_size, pipeline.run.transcode_cores
    batches = cut(folder / "ingest.jsonl", todo(), run, workspace, None if size == "auto" else size, least)
    if not counts["planned"]:
        raise ConfigError(
            f"source = {redact(pipeline.source)}: has no rows; expected at least one item. Had the run gone on, an "
            "empty dataset would have taken the place of the last one. Check what writes the file."
        )
    left = any(workspace.names("chunks"))
    plan = Plan(run, **counts, classes=tuple(classes), batches=tuple(batches), group_splits=splits, chunks=left)
    save(folder / "plan.json", plan)
    return plan


def load_categories(workspace: Workspace, run: str) -> tuple[Category, ...]:
    """Returns the classes of a source that is a dataset; nothing where it is none."""
    path = workspace.run(run) / "categories.jsonl"
    workspace.need(workspace.relative(path))
    return tuple(read_lines(path, Category)) if path.is_file() else ()


def load_plan(workspace: Workspace, run: str) -> Plan:
    """Returns the plan that `make_plan` wrote.

    Raises:
        LedgerError: It is damaged.
    """
    path = workspace.run(run) / "plan.json"
    workspace.need(workspace.relative(path))
    return load(path, Plan)


def _labels(source: Source) -> Iterator[str]:
    if source.label:
        yield source.label
    for annotation in source.annotations or ():
        yield annotation.label


def cost_s(item: PlanItem, asked: bool) -> float:
    """Returns about how many seconds of work an item is on one core, where it is asked about or brought here."""
    if asked or suffix(item.verified.path if item.verified else item.source.url) in _IMAGE_SUFFIXES:
        return _IMAGE_S
    return item.verified.size_bytes / 1e6 * _VIDEO_S_PER_MB if item.verified else _VIDEO_S


def _sweep(workspace: Workspace) -> None:
    """Removes what dead runs had under way; the caller holds the workspace's lock, so none is alive.

    Everything unfinished stands in `incoming/`, where transfers that can be gone on with stay, or begins with a dot
    beside its target.
    """
    if workspace.mirror:
        workspace.mirror.clear("incoming")
        return
    sweep(workspace.incoming)
    for kind in ("media", "derived", "chunks", "runs", "quarantine"):
        for folder, folders, files in os.walk(workspace.root / kind):
            for name in [name for name in folders if name.startswith(".")]:
                shutil.rmtree(Path(folder) / name, ignore_errors=True)
                folders.remove(name)
            for name in files:
                if name.startswith("."):
                    (Path(folder) / name).unlink(missing_ok=True)
