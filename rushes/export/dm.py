"""The DM layout: originals, and a document beside them for each that was labelled.

    train/original_files/a.jpg  train/json/a.json  valid/original_files/b.mp4  valid/json/b.json  classes.txt

A file that nobody labelled has no document; one of which somebody said that nothing is in it, one without annotations.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, NamedTuple

from rushes.export.base import BaseExporter
from rushes.export.items import item_of, write_classes
from rushes.formats import dm
from rushes.records import Sample

__all__ = ["DmExporter", "DmV1Exporter"]

SPLIT_FOLDERS = {"train": "train", "val": "valid", "test": "test"}
"""Folder of each split, as DM calls it."""


class _Documented(NamedTuple):
    sample: Sample
    document: bytes | None


class DmExporter(BaseExporter):
    """Writes documents of V2, which hold their V1."""

    version: ClassVar[dm.Version] = "v2"

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with its document, where it was labelled."""
        if not data.labelled and data.label is None:
            return _Documented(data, None)
        names = {known.name: known.keypoints for known in self.params.get("categories", ()) if known.keypoints}
        item = item_of(data, data.name + PurePosixPath(data.path).suffix)
        document, reasons = dm.render(item, self.version, names)
        for reason, count in reasons.items():
            self.run.drop(reason, count)
        return _Documented(data, dm.dump(document))

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the file, and writes its document."""
        sample, document = data
        folder = SPLIT_FOLDERS[sample.split]
        self.run.place(sample, f"{folder}/original_files/{sample.name}{PurePosixPath(sample.path).suffix}")
        if document is not None:
            self.run.write(f"{folder}/json/{sample.name}.json", document)

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `classes.txt`."""
        write_classes(self.run)


class DmV1Exporter(DmExporter):
    """Writes documents of V1."""

    version = "v1"
