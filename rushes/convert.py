"""From a dataset of one format to one of another: any reader, any exporter, and no orchestrator.

The new dataset grows beside its place and takes it whole. Labels are cut at the edges of their images, and what the
target cannot say is counted, as in a pipeline.
"""

from __future__ import annotations

import mimetypes
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from rushes.datasets import detect, read_dataset
from rushes.errors import AnnotationError, ConfigError, StrictError
from rushes.export.base import BaseExporter, begun
from rushes.export.classes import class_map, listed
from rushes.export.names import Names
from rushes.export.run import ExportRun, Part
from rushes.export.split import split_of
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.dm.carry import set_aside
from rushes.formats.placing import box_of, clip
from rushes.jsonl import encode, json_bytes
from rushes.labels import Annotation
from rushes.records import MediaInfo, Sample, WrittenFile
from rushes.summary.publish import SUMMARY, begin, publish_dataset
from rushes.workspace import Workspace

__all__ = ["EXPORTERS", "Conversion", "convert"]

EXPORTERS: Mapping[str, str] = MappingProxyType(
    {
        "coco": "rushes.export.coco:CocoExporter",
        "csv": "rushes.export.table:CsvExporter",
        "dm": "rushes.export.dm:DmExporter",
        "dm-v1": "rushes.export.dm:DmV1Exporter",
        "imagefolder": "rushes.export.imagefolder:ImageFolderExporter",
        "videofolder": "rushes.export.imagefolder:VideoFolderExporter",
        "voc": "rushes.export.voc:VocExporter",
        "webdataset": "rushes.export.webdataset:WebDatasetExporter",
        "yolo": "rushes.export.yolo:YoloExporter",
        "yolo-cls": "rushes.export.class_folders:ClassFoldersExporter",
        "yolo-obb": "rushes.export.yolo:YoloObbExporter",
        "yolo-pose": "rushes.export.yolo:YoloPoseExporter",
        "yolo-seg": "rushes.export.yolo:YoloSegExporter",
    }
)
"""Formats that can be written; only the one that is asked for is imported."""

MediaMode = Literal["auto", "copy", "link", "none"]
Classes = Sequence[str] | Mapping[str, Sequence[str]]

_BOXES_ONLY = frozenset({"yolo"})
_VIDEO_FORMATS = frozenset({"csv", "dm", "dm-v1", "videofolder", "webdataset"})
_DM = frozenset({"dm", "dm-v1"})
"""Formats that can say what is carried along from a DM document."""
_WITH_GROUPS = frozenset({"csv", "webdataset"})
_WITH_ATTRIBUTES = _WITH_GROUPS | _DM | {"imagefolder", "videofolder"}
"""Formats that can say of a file what its source says of it."""
_WHOLE_MEDIA = frozenset({"webdataset"})
_ONE_FOLDER = frozenset({"voc"})
"""Formats whose splits are lists, with all images in one folder."""
_PARTS, _UNPACKED = ".parts", ".unpacked"


class Conversion(msgspec.Struct, frozen=True):
    """What came of a conversion.

    Attributes:
        source: Format that was read.
        target: Format that was written.
        items: Images and videos that came into the dataset.
        labels: Labels of them that came in, whole or in part.
        left_out: Items that did not, by reason.
        dropped: Labels that were left out or changed, by reason code.
        files: How many files the dataset has, media with them.
        size_bytes: Of the files that were written, without media.
        splits: Items by split.
        warnings: What a training would stumble over.
        over_limit: Always false: a conversion has no failures, it stops.
    """

    source: str
    target: str
    items: int
    labels: int
    left_out: dict[str, int]
    dropped: dict[str, int]
    files: int
    size_bytes: int
    splits: dict[str, int]
    warnings: list[str]
    over_limit: bool = False


def convert(
    source: Path,
    target: Path,
    read_as: str | None,
    write_as: str,
    *,
    media: MediaMode = "auto",
    classes: Classes | None = None,
    split: Mapping[str, float] | None = None,
    boxes: bool = False,
    strict: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Conversion:
    """Converts a dataset.

    Args:
        source: A file or a folder.
        target: Folder of the new dataset; free, empty, or one that rushes wrote.
        read_as: Format of the source, of `rushes.datasets.READERS`; None goes by what it looks like.
        write_as: Format of the new dataset, of `EXPORTERS`.
        media: How files get into the dataset: `auto` takes the first that works of reflink, hard link and copy; `none`
            leaves them where they are, and writes labels only.
        classes: Class names in order; or new names, each with the old ones it takes in; None takes the source's order.
        split: Shares of the splits for items that the source puts into none; None puts those into train.
        boxes: Take boxes alone, and leave out outlines and masks, counted: to draw masks takes a hundred times as long.
        strict: Refuse to leave out or change anything.
        progress: Is told, now and then, how many items are done.

    Raises:
        ConfigError: The source looks like no dataset, or an argument makes no sense.
        AnnotationError: The source is not what its format asks for; it names file and place.
        StrictError: `strict`, and the target cannot say all that the source does.
        OutputOccupiedError: The target holds something that rushes did not write.
        StorageError: A file cannot be placed or written.
    """
    _check(source, target, write_as, media)
    name = read_as or detect(source)
    building = begin(target)
    dataset = read_dataset(source, name, **_arguments(name, boxes or write_as in _BOXES_ONLY, building))
    names = [category.name for category in dataset.categories]
    mapping = class_map(classes, names)
    params = {
        "name": target.name,
        "format": write_as,
        "classes": mapping.names,
        "categories": mapping.categories(dataset.categories),
        "split": dict(split or {"train": 1.0}),
        "media": media,
        "shard_bytes": 10**9,
        "output": str(target),
        "boxes": boxes,
    }
    tally = _Tally()
    with (building / _PARTS).open("wb") as parts:
        run = _Run(params, dataset.folder, building, lambda part: parts.write(encode(part) + b"\n"))
        module, _, kind = EXPORTERS[write_as].partition(":")
        for name in sorted(mapping.renamed.keys() - names):
            run.log_message(f"no class of the source is called {name}; it has {listed(names)}", "warning")
        exporter: BaseExporter = begun(getattr(import_module(module), kind), run)
        for sample in _samples(dataset, mapping.renamed, params, tally):
            run.dropped.clear()
            run.placed = None
            exporter.export(sample)
            tally.take(sample, run)
            if progress and tally.items % 100 == 0:
                progress(tally.items)
    run.end(building / _PARTS)
    exporter.additional_file_saving(building)
    tally.count(run)
    (building / _PARTS).unlink()
    shutil.rmtree(building / _UNPACKED, ignore_errors=True)
    found = Conversion(name, write_as, **tally.ended(), warnings=run.messages)
    if strict and (found.dropped or found.left_out):
        raise StrictError(_lossy(found))
    (building / SUMMARY).write_bytes(json_bytes(found))
    publish_dataset(building, target)
    return found


def _check(source: Path, target: Path, write_as: str, media: MediaMode) -> None:
    """Refuses arguments that make no sense together."""
    if write_as not in EXPORTERS:
        raise ConfigError(f"format = {write_as}: expected one of {', '.join(EXPORTERS)}.")
    if media == "none" and write_as in _WHOLE_MEDIA:
        raise ConfigError(f"media = none: a {write_as} holds its media; expected auto, copy or link.")
    if not source.exists():
        raise ConfigError(f"{source}: no such file or folder.")
    if source.resolve().is_relative_to(target.resolve()):
        raise ConfigError(f"{target}: holds {source}, and a new dataset replaces it; expected another folder.")


def _arguments(read_as: str, boxes: bool, building: Path) -> dict[str, Any]:
    """Returns what else a reader is told: to leave out what is not asked for, and where to put what is packed."""
    if read_as == "coco":
        return {"outlines": not boxes}
    return {"into": building / _UNPACKED} if read_as == "webdataset" else {}


@dataclass(slots=True)
class _Tally:
    """What is counted on the way."""

    items: int = 0
    labels: int = 0
    files: int = 1
    size_bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def take(self, sample: Sample, run: _Run) -> None:
        if run.placed is not None:
            self.items += 1
            self.labels += len(sample.annotations) + (sample.label is not None)
            self.splits[sample.split] += 1
        for counts in (sample.dropped, run.dropped):
            for reason, count in counts.items():
                self.dropped[reason] += count
        self.count(run)

    def count(self, run: _Run) -> None:
        self.files += len(run.written)
        self.size_bytes += sum(file.size_bytes for file in run.written)
        run.forget()

    def ended(self) -> dict[str, Any]:
        counters = {name: dict(sorted((+getattr(self, name)).items())) for name in ("splits", "left_out", "dropped")}
        return {
            "items": self.items,
            "labels": self.labels,
            "files": self.files,
            "size_bytes": self.size_bytes,
        } | counters


class _Run(ExportRun):
    """An export from files that are the user's own: nothing of theirs changes."""

    def __init__(
        self, params: Mapping[str, Any], folder: Path, building: Path, emitted: Callable[[Part], object]
    ) -> None:
        super().__init__(params, Workspace(folder), building, emitted)

    def place(self, sample: Sample, relative: str) -> WrittenFile:
        """Puts a media file into the dataset, or only says where it would stand."""
        self.placed = relative
        if self.params["media"] == "none":
            return WrittenFile(relative, "", 0)
        path = self._workspace.path(sample.path)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise AnnotationError(
                f"{sample.path}: cannot be read: {error.strerror}. Put the media where the labels say, or leave them "
                "out (media: none)."
            ) from None
        placed = super().place(sample, relative)
        if path.stat().st_mode & 0o7777 != mode:
            path.chmod(mode)  # a hard link is write-protected for the sake of a store, and this is none
        return placed

    def end(self, parts: Path) -> None:
        """From here on, only what was emitted is read."""
        self._emitted, self._parts = None, (parts,)


def _samples(
    dataset: Dataset, renamed: Mapping[str, str], params: Mapping[str, Any], tally: _Tally
) -> Iterator[Sample]:
    names = Names()
    for item in dataset.items:
        media_type = _media_type(item.path[item.path.rfind(".") :].lower())
        if media_type.startswith("video/") and params["format"] not in _VIDEO_FORMATS:
            tally.left_out["needs_frames"] += 1
            continue
        if not media_type.startswith("video/") and params["format"] == "videofolder":
            tally.left_out["needs_video"] += 1
            continue
        yield _sample(dataset, item, media_type, renamed, params, names)


@cache
def _media_type(suffix: str) -> str:
    return mimetypes.guess_type(f"a{suffix}")[0] or "application/octet-stream"


def _sample(
    dataset: Dataset,
    item: Labelled,
    media_type: str,
    renamed: Mapping[str, str],
    params: Mapping[str, Any],
    names: Names,
) -> Sample:
    info = _info(dataset, item, media_type)
    dropped: Counter[str] = Counter()
    is_image = media_type.startswith("image/")
    found = [_boxed(label, dropped) for label in item.annotations] if params["boxes"] else item.annotations
    labels = _related(tuple(_fitted(found, renamed, info, is_image, dropped)), dropped)
    label = renamed.get(item.label) if item.label is not None else None
    if label is None and item.label is not None:
        dropped["class_not_listed"] += 1
    attributes, unsaid = _of_file(item, params["format"])
    dropped += unsaid
    split = item.split or split_of(item.group or item.id, params["split"])
    return Sample(
        id=item.id,
        name=names.take(item.path, item.id, "" if params["format"] in _ONE_FOLDER else split),
        path=item.path,
        sha256="",
        size_bytes=_size(dataset.folder / item.path) if params["media"] != "none" else 0,
        info=info,
        split=split,
        annotations=labels,
        label=label,
        labelled=item.labelled,
        dropped=_sum(dropped, item.dropped),
        attributes=attributes,
        group=item.group,
    )


def _of_file(item: Labelled, write_as: str) -> tuple[dict[str, Any], Counter[str]]:
    """Returns the attributes of an item, and what the format leaves out of what is said of it; no manifest keeps it."""
    attributes, dropped = (item.attributes, Counter[str]()) if write_as in _DM else set_aside(item.attributes)
    dropped["item_attributes_unsupported"] += bool(attributes) and write_as not in _WITH_ATTRIBUTES
    dropped["item_group_unsupported"] += item.group is not None and write_as not in _WITH_GROUPS
    return attributes, +dropped


def _sum(counts: Counter[str], others: Mapping[str, int]) -> dict[str, int]:
    for reason, count in others.items():
        counts[reason] += count
    return counts


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # placing says what is wrong


def _boxed(label: Annotation, dropped: Counter[str]) -> Annotation:
    """Returns a label without outlines and mask, and with the box around them where it has none of its own."""
    if not (label.polygon or label.parts or label.mask):
        return label
    dropped["polygon_unsupported"] += bool(label.polygon or label.parts)
    dropped["mask_unsupported"] += bool(label.mask)
    return replace(label, box=label.box or box_of(label), polygon=None, parts=None, mask=None)


def _fitted(
    labels: Sequence[Annotation], renamed: Mapping[str, str], info: MediaInfo, is_image: bool, dropped: Counter[str]
) -> Iterator[Annotation]:
    for label in labels:
        name = renamed.get(label.label)
        if name is None:
            dropped["class_not_listed"] += 1
            continue
        fitted, reason = clip(label, info.width, info.height) if info.width and info.height else (label, None)
        if reason is not None:
            dropped[reason] += 1
        if fitted is None:
            continue
        changes: dict[str, Any] = {} if name == label.label else {"label": name}
        if is_image and (label.frame is not None or label.time_s is not None):
            changes |= {"frame": None, "time_s": None}
        yield replace(fitted, **changes) if changes else fitted


def _related(labels: tuple[Annotation, ...], dropped: Counter[str]) -> tuple[Annotation, ...]:
    """Returns labels without relations that lead to one that was left out."""
    if not any(label.relation for label in labels):
        return labels
    known = {label.id for label in labels}
    kept = tuple(label for label in labels if label.relation is None or known.issuperset(label.relation))
    dropped["relation_unsupported"] += len(labels) - len(kept)
    return kept


def _info(dataset: Dataset, item: Labelled, media_type: str) -> MediaInfo:
    if item.width and item.height:
        return MediaInfo(media_type, item.width, item.height)
    if not media_type.startswith("image/"):
        return MediaInfo(media_type, 0, 0)
    from rushes.formats.sizes import upright_size  # Pillow is slow to import

    return MediaInfo(media_type, *upright_size(dataset.folder / item.path, item.id))


def _lossy(found: Conversion) -> str:
    counts = ", ".join(f"{reason} {count}" for reason, count in (found.left_out | found.dropped).items())
    return f"{found.target} cannot say all that is in the {found.source} dataset: {counts}. Convert without strict."
