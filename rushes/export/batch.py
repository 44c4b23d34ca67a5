"""One batch of an export: outcomes in, files of the dataset and rows of its manifest out."""

from __future__ import annotations

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import RushesError
from rushes.export.base import begun
from rushes.export.classes import ClassMap, classes_of
from rushes.export.ending import finish
from rushes.export.exporters import exporter_of, is_custom, params_of, previous_of
from rushes.export.given import given
from rushes.export.handmade import handmade
from rushes.export.handover import handing_over
from rushes.export.item import Exported, ItemExport, Prepared, Ready, rejected
from rushes.export.run import ExportRun, Part
from rushes.export.samples import samples, split_for
from rushes.export.strict import losses
from rushes.export.values import packed
from rushes.formats.dm.carry import set_aside
from rushes.jsonl import encode, read_lines
from rushes.layouts import layout_of
from rushes.plan import load_categories
from rushes.progress import Report, telling
from rushes.records import Media, Outcome
from rushes.results import BatchResult, save_result
from rushes.seals import Sealing
from rushes.storage import is_storage
from rushes.workspace import Batch, Workspace

__all__ = ["export_batch", "finish"]

_AHEAD = 4  # items whose frames are cut while an earlier one is written
_CUTTERS = 2  # ffmpeg decodes with threads of its own


def export_batch(
    pipeline: Pipeline,
    workspace: Workspace,
    batch: Batch,
    building: Path,
    classes: Sequence[str],
    report: Report | None = None,
) -> BatchResult:
    """Exports the items of one batch; the same batch again writes the same files.

    What it hands over to the end of the export goes to `runs/<run>/export/<batch>.*`.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        batch: A range of a file of outcomes.
        building: The folder in which the dataset grows.
        classes: Class names of the whole source, in its order.
        report: Told after each item.

    Returns:
        What was done: `done` counts the samples placed, `size_bytes` all files written.

    Raises:
        ConfigError: `export.classes` contradicts itself, or `export.format` names no exporter.
        ExporterError: An exporter's own code broke.
        StorageError: A file cannot be placed as `export.media` asks.
    """
    workspace.need(batch.plan)
    mapping = classes_of(pipeline, classes)
    outcomes: Iterator[Outcome] = read_lines(workspace.path(batch.plan), Outcome, batch.offset, batch.count)
    start = time.monotonic()
    done = stopped = size_bytes = 0
    emitted: list[Part] = []
    custom = is_custom(pipeline)
    params, previous = params_of(pipeline, mapping, load_categories(workspace, batch.run)), previous_of(pipeline)
    run = ExportRun(params, workspace, building, emitted.append, previous=previous, watched=custom)
    items = ItemExport(begun(exporter_of(pipeline, workspace, batch.run), run), emitted)
    listed: set[str] = set()
    with (
        handing_over(workspace, batch.run, batch.name) as sinks,
        telling(workspace, batch, "export", report) as tell,
    ):
        for number, ready in enumerate(_prepared(outcomes, mapping, pipeline, workspace), 1):
            ended = items.export(ready)
            _hand_over(ended, sinks)
            if ended.rows[0].status == "ok" and (source := given(ready)):  # not of what the format refused, either
                _write(sinks["sources"], [source])
            if pipeline.export.strict and isinstance(ready, Prepared):
                reasons_of = partial(_reasons, items, mapping, pipeline, workspace)
                _write(sinks["lost"], losses(ended.rows, ready.original, reasons_of))
            listed.update(file.path for file in ended.files)
            done, stopped = done + ended.samples, stopped + ended.stopped
            size_bytes += sum(file.size_bytes for file in ended.files)
            tell(number, batch.count)
        if custom and is_storage(pipeline.output_place):
            # This folder is this batch's own.
            _write(
                sinks["files"], handmade(building, listed, sys.maxsize, lambda text: run.log_message(text, "warning"))
            )
        _write(sinks["messages"], run.messages)
    elapsed_s = time.monotonic() - start
    return save_result(workspace, BatchResult(batch, "export", batch.count, done, stopped, size_bytes, elapsed_s))


def _hand_over(ended: Exported, sinks: Mapping[str, Sealing]) -> None:
    _write(sinks["rows"], ended.rows)
    _write(sinks["files"], ended.files)
    _write(sinks["parts"], ended.parts)
    sinks["gathered"].writelines(f"{packed(change)}\n".encode() for change in ended.changes)


def _reasons(
    items: ItemExport, mapping: ClassMap, pipeline: Pipeline, workspace: Workspace, media: Media
) -> Counter[str]:
    """Returns what an item loses, by reason code, and writes nothing."""
    ready = _prepare(media, mapping, pipeline, workspace)
    if not isinstance(ready, Prepared):
        return Counter()
    if is_custom(pipeline):  # whose hooks may write while they convert
        return sum((Counter(sample.dropped) for sample in ready.samples), ready.dropped)
    return items.reasons(ready.samples) + ready.dropped


def _prepared(
    outcomes: Iterable[Outcome], mapping: ClassMap, pipeline: Pipeline, workspace: Workspace
) -> Iterator[Ready]:
    """Yields items in order, while the frames of the next ones are cut already."""
    waiting: deque[Callable[[], Ready]] = deque()
    with ThreadPoolExecutor(_CUTTERS) as pool:
        for outcome in outcomes:
            prepare = partial(_prepare, outcome, mapping, pipeline, workspace)
            waiting.append(pool.submit(prepare).result if _is_video(outcome) else prepare)
            if len(waiting) > _AHEAD:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


def _is_video(outcome: Outcome) -> bool:
    return isinstance(outcome, Media) and outcome.info.media_type.startswith("video/")


def _prepare(outcome: Outcome, mapping: ClassMap, pipeline: Pipeline, workspace: Workspace) -> Ready:
    if not isinstance(outcome, Media):
        return outcome
    source, unlisted = mapping.apply(outcome.verified.source)
    if not layout_of(pipeline.export.format).carries_dm or pipeline.frames is not None:
        attributes, unsaid = set_aside(source.attributes)
        source, unlisted = replace(source, attributes=attributes), unlisted + unsaid
    media = replace(outcome, verified=replace(outcome.verified, source=source))
    workspace.need(media.path, *([media.verified.path] if _is_video(media) else []))
    try:
        found, dropped = samples(media, pipeline, workspace)
    except RushesError as error:
        return rejected(media, error)
    return Prepared(outcome, media, split_for(media, pipeline), found, unlisted + dropped)


def _write(file: Sealing, records: Iterable[Any]) -> None:
    file.writelines(encode(record) + b"\n" for record in records)
