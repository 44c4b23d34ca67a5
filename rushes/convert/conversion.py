"""The conversion itself: the new dataset grows beside its place and takes it whole.

Labels are cut at the edges of their images, and what the target cannot say is counted, as in a pipeline.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rushes.convert.own_files import OwnFiles
from rushes.convert.samples import Samples
from rushes.convert.tally import Conversion, Tally
from rushes.datasets import READERS, detect, read_dataset
from rushes.errors import ConfigError, RunFailedError, StrictError
from rushes.export.base import begun, built_in
from rushes.export.classes import class_map, listed
from rushes.jsonl import encode, json_bytes
from rushes.layouts import LAYOUTS
from rushes.summary.publish import SUMMARY, begin, publish_dataset

__all__ = ["convert"]

MediaMode = Literal["auto", "copy", "link", "none"]
Classes = Sequence[str] | Mapping[str, Sequence[str]]
_PARTS, _UNPACKED = ".parts", ".unpacked"


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
        write_as: Format of the new dataset, of `rushes.layouts.LAYOUTS`.
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
        RunFailedError: Not one item of the source can stand in the new dataset; the old one stays.
        StrictError: `strict`, and the target cannot say all that the source does.
        OutputOccupiedError: The target holds something that rushes did not write.
        StorageError: A file cannot be placed or written.
    """
    _check(source, target, write_as, media)
    read_as = read_as or detect(source)
    building = begin(target)
    dataset = read_dataset(source, read_as, **_arguments(read_as, boxes or not LAYOUTS[write_as].outlines, building))
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
    tally = Tally()
    with (building / _PARTS).open("wb") as parts:
        run = OwnFiles(params, dataset.folder, building, lambda part: parts.write(encode(part) + b"\n"))
        for missing in sorted(mapping.renamed.keys() - names):
            run.log_message(f"no class of the source is called {missing}; it has {listed(names)}", "warning")
        look = media != "none" and not READERS[read_as].measures
        exporter = begun(built_in(write_as), run)
        for sample in Samples(dataset, mapping.renamed, params, tally, look):
            run.dropped.clear()
            run.placed = None
            exporter.export(sample)
            tally.take(sample, run)
            if progress and tally.items % 100 == 0:
                progress(tally.items)
    run.end(building / _PARTS)
    run.dropped.clear()
    exporter.additional_file_saving(building)
    tally.dropped.update(run.dropped)
    tally.count(run)
    if tally.other_size:
        run.log_message(f"{tally.left_out['size_differs']} images left out, first {tally.other_size}", "warning")
    (building / _PARTS).unlink()
    shutil.rmtree(building / _UNPACKED, ignore_errors=True)
    found = Conversion(read_as, write_as, **tally.ended(), warnings=run.messages)
    if not found.items and (found.left_out or found.dropped):
        raise RunFailedError(_nothing(source, found, tally.other_size))
    if strict and (found.dropped or found.left_out):
        raise StrictError(_lossy(found))
    (building / SUMMARY).write_bytes(json_bytes(found))
    publish_dataset(building, target)
    return found


def _check(source: Path, target: Path, write_as: str, media: MediaMode) -> None:
    """Refuses arguments that make no sense together."""
    if write_as not in LAYOUTS:
        raise ConfigError(f"format = {write_as}: expected one of {', '.join(LAYOUTS)}.")
    if media == "none" and LAYOUTS[write_as].packs_media:
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


def _nothing(source: Path, found: Conversion, other_size: str) -> str:
    videos, images = (
        ", ".join(sorted(name for name, layout in LAYOUTS.items() if getattr(layout, held)))
        for held in ("videos", "images")
    )
    mends = {
        "needs_frames": f" Convert to one of {videos}.",
        "needs_video": f" Convert to one of {images}.",
        "size_differs": f" {other_size}: bring the images that the labels were drawn in.",
    }
    counts = ", ".join(f"{reason} {count}" for reason, count in (found.left_out | found.dropped).items())
    steps = [mends[reason] for reason in found.left_out]
    frames = " Or run a pipeline with `frames`, which takes images from videos."
    return (
        f"{source}: none of its items came into a {found.target}: {counts}. What stood at the target stays."
        f"{''.join(steps)}{frames if 'needs_frames' in found.left_out else ''}"
    )


def _lossy(found: Conversion) -> str:
    counts = ", ".join(f"{reason} {count}" for reason, count in (found.left_out | found.dropped).items())
    return f"{found.target} cannot say all that is in the {found.source} dataset: {counts}. Convert without strict."
