"""One batch of an export: outcomes in, files of the dataset and rows of its manifest out."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import RushesError
from rushes.export.base import BaseExporter
from rushes.export.classes import ClassMap, class_map
from rushes.export.coco import CocoExporter
from rushes.export.rows import archive_row, item_row, rejection_row, sample_row
from rushes.export.run import ExportRun
from rushes.export.samples import samples, split_for
from rushes.export.voc import VocExporter
from rushes.export.yolo import YoloExporter, YoloObbExporter, YoloPoseExporter, YoloSegExporter
from rushes.jsonl import atomic_write, encode, read_lines
from rushes.records import ManifestRow, Media, Outcome, Rejection, Sample, Unpacked, WrittenFile
from rushes.rejection import reject
from rushes.results import BatchResult, save_result
from rushes.workspace import Batch, Workspace

__all__ = ["export_batch", "exporter_of", "finish"]

_EXPORTERS: dict[str, type[BaseExporter]] = {
    "coco": CocoExporter,
    "voc": VocExporter,
    "yolo": YoloExporter,
    "yolo-obb": YoloObbExporter,
    "yolo-pose": YoloPoseExporter,
    "yolo-seg": YoloSegExporter,
}
_AHEAD = 4  # items whose frames are cut while an earlier one is written
_CUTTERS = 2  # ffmpeg decodes with threads of its own


class _Prepared(NamedTuple):
    media: Media
    split: str
    samples: list[Sample]
    dropped: Counter[str]


_Ready = _Prepared | Unpacked | Rejection


def exporter_of(name: str) -> type[BaseExporter]:
    """Returns the exporter of a format of `export.format`."""
    return _EXPORTERS[name]


def export_batch(
    pipeline: Pipeline, workspace: Workspace, batch: Batch, building: Path, classes: Sequence[str]
) -> BatchResult:
    """Exports the items of one batch; the same batch again writes the same files.

    Rows, written files and parts go to `runs/<run>/export/<batch>.{rows,files,parts}.jsonl`; the rows come last.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        batch: A range of a file of outcomes.
        building: The folder in which the dataset grows.
        classes: Class names of the whole source, in its order.

    Returns:
        What was done: `done` counts the samples placed, `size_bytes` all files written.

    Raises:
        ConfigError: `export.classes` contradicts itself.
        StorageError: A file cannot be placed as `export.media` asks.
    """
    workspace.need(batch.plan)
    mapping = class_map(pipeline.export.classes, classes)
    outcomes: Iterator[Outcome] = read_lines(workspace.path(batch.plan), Outcome, batch.offset, batch.count)
    folder = workspace.run(batch.run) / "export"
    start = time.monotonic()
    done = stopped = size_bytes = 0
    with ExitStack() as files:
        rows, written, parts = (
            files.enter_context(atomic_write(folder / f"{batch.name}.{kind}.jsonl"))
            for kind in ("rows", "files", "parts")
        )
        run = ExportRun(_params(pipeline, mapping), workspace, building, lambda part: _write(parts, [part]))
        exporter = exporter_of(pipeline.export.format)(run)
        for prepared in _prepared(outcomes, mapping, pipeline, workspace):
            _write(rows, _export_item(prepared, exporter))
            stopped += isinstance(prepared, Rejection)
            done += len(prepared.samples) if isinstance(prepared, _Prepared) else 0
            size_bytes += sum(file.size_bytes for file in run.written)
            _write(written, run.written)
            run.written.clear()
    elapsed_s = time.monotonic() - start
    return save_result(workspace, BatchResult(batch, "export", batch.count, done, stopped, size_bytes, elapsed_s))


def finish(
    pipeline: Pipeline, workspace: Workspace, run: str, batches: Sequence[str], building: Path, classes: Sequence[str]
) -> list[WrittenFile]:
    """Writes the files of a dataset that need all of its samples, and returns them.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        run: The run's id.
        batches: Names of all its export batches, in order.
        building: The folder in which the dataset grows.
        classes: Class names of the whole source, in its order.
    """
    params = _params(pipeline, class_map(pipeline.export.classes, classes))
    parts = [workspace.run(run) / "export" / f"{name}.parts.jsonl" for name in batches]
    ending = ExportRun(params, workspace, building, parts=parts)
    exporter_of(pipeline.export.format)(ending).additional_file_saving(building)
    return ending.written


def _params(pipeline: Pipeline, mapping: ClassMap) -> Mapping[str, Any]:
    export = pipeline.export
    return {
        "name": pipeline.name,
        "format": export.format,
        "classes": mapping.names,
        "split": dict(export.split),
        "media": export.media,
    }


def _prepared(
    outcomes: Iterable[Outcome], mapping: ClassMap, pipeline: Pipeline, workspace: Workspace
) -> Iterator[_Ready]:
    """Yields items in order, while the frames of the next ones are cut already."""
    waiting: deque[Callable[[], _Ready]] = deque()
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


def _prepare(outcome: Outcome, mapping: ClassMap, pipeline: Pipeline, workspace: Workspace) -> _Ready:
    if not isinstance(outcome, Media):
        return outcome
    source, unlisted = mapping.apply(outcome.verified.source)
    media = replace(outcome, verified=replace(outcome.verified, source=source))
    workspace.need(media.path, *([media.verified.path] if _is_video(media) else []))
    try:
        found, dropped = samples(media, pipeline, workspace)
    except RushesError as error:
        return _rejection(media, error)
    return _Prepared(media, split_for(media, pipeline), found, unlisted + dropped)


def _rejection(media: Media, error: RushesError) -> Rejection:
    verified = media.verified
    rejection = reject(verified.source, "export", error)
    known = {"attempts": verified.attempts, "sha256": verified.sha256, "size_bytes": verified.size_bytes}
    return replace(rejection, message=rejection.message.replace(Path(media.path).name, verified.source.id), **known)


def _export_item(prepared: _Ready, exporter: BaseExporter) -> Iterator[ManifestRow]:
    if not isinstance(prepared, _Prepared):
        yield rejection_row(prepared) if isinstance(prepared, Rejection) else archive_row(prepared)
        return
    media, split, found, dropped = prepared
    rows = [_export_sample(media, sample, exporter) for sample in found]
    if len(found) == 1 and found[0].parent is None:
        yield replace(rows[0], dropped=dict(sorted((dropped + Counter(rows[0].dropped)).items())))
        return
    yield item_row(media, split, dropped)
    yield from rows


def _export_sample(media: Media, sample: Sample, exporter: BaseExporter) -> ManifestRow:
    run = exporter.run
    run.dropped = Counter(sample.dropped)
    run.placed = None
    exporter.export(sample)
    return sample_row(media, sample, run.placed, run.dropped)


def _write(file: IO[bytes], records: Iterable[Any]) -> None:
    file.writelines(encode(record) + b"\n" for record in records)
