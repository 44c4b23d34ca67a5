"""The layouts of Hugging Face's imagefolder and videofolder.

    train/a.jpg  train/metadata.jsonl  validation/b.jpg  validation/metadata.jsonl  classes.txt

A `file_name` counts from its `metadata.jsonl`, which stands in the folder of its split, because `datasets` reads a
split by the metadata that it finds there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

from rushes.export.base import BaseExporter
from rushes.export.items import item_of, write_classes
from rushes.formats import imagefolder
from rushes.records import Sample

__all__ = ["ImageFolderExporter", "VideoFolderExporter"]


class _Described(NamedTuple):
    sample: Sample
    found: dict[str, Any]
    more: bool


class ImageFolderExporter(BaseExporter):
    """Writes images, with boxes as the guide to object detection has them, and all else as text."""

    timed: ClassVar[bool] = False

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with its object of `metadata.jsonl`."""
        item = item_of(data, data.name + PurePosixPath(data.path).suffix)
        found, reasons = imagefolder.render(item, self.params["classes"], timed=self.timed)
        for reason, count in reasons.items():
            self.run.drop(reason, count)
        return _Described(data, found, imagefolder.says_more(item, timed=self.timed))

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the file, and hands its object to the end."""
        sample, found, more = data
        self.run.place(sample, f"{imagefolder.SPLIT_FOLDERS[sample.split]}/{found['file_name']}")
        self.run.emit("item", [sample.split, more, found])

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `metadata.jsonl` of each split, and `classes.txt`."""
        columns = {split: imagefolder.Columns() for split in imagefolder.SPLIT_FOLDERS}
        counts: Counter[str] = Counter()
        for split, more, found in self.run.parts("item"):
            columns[split].add(found, more=more)
            counts[split] += 1
        whole = imagefolder.Columns.joined(columns[split] for split in counts)
        for split, folder in imagefolder.SPLIT_FOLDERS.items():
            if counts[split]:
                self.run.write(f"{folder}/{imagefolder.METADATA}", self._lines(split, whole))
        self._warn({split: columns[split] for split in counts}, whole)
        write_classes(self.run)

    def _lines(self, split: str, columns: imagefolder.Columns) -> Iterator[bytes]:
        for its, _, found in self.run.parts("item"):
            if its == split:
                yield columns.line(found)

    def _warn(self, columns: dict[str, imagefolder.Columns], whole: imagefolder.Columns) -> None:
        for split, found in columns.items():
            if missing := whole.without_values(found):
                self.run.log_message(
                    f"split {split} has no {', '.join(missing)} at all, which other splits have; `datasets` cannot "
                    "tell their types then, and refuses the dataset",
                    "warning",
                )


class VideoFolderExporter(ImageFolderExporter):
    """Writes videos whole; their labels, with frame or time, as text."""

    timed = True
