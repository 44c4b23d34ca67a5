"""The COCO layout: images, and one JSON document of instances for each split.

    images/train/a.jpg  annotations/instances_train.json  classes.txt  dataset.yaml

A `file_name` counts from `images/<split>`, as in the COCO releases. `dataset.yaml` names splits, documents and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from rushes.export.base import BaseExporter, file_name, labels_of, media_path
from rushes.export.run import ExportRun
from rushes.formats import coco
from rushes.jsonl import encode
from rushes.records import Sample

__all__ = ["CocoExporter"]

_IMAGES = "image "
"""Begins the kinds under which images go to the end, each split by itself."""


class _Labelled(NamedTuple):
    sample: Sample
    objects: list[dict[str, Any]]


class _Image(msgspec.Struct, array_like=True, gc=False):
    """An image as batches hand it to the end, its objects as they stand there."""

    file_name: str
    width: int
    height: int
    labelled: bool
    objects: msgspec.Raw


class _Object(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    """An object that gets its ids at the end; what takes long to decode stays as it was encoded."""

    area: msgspec.Raw
    attributes: msgspec.Raw = msgspec.Raw()
    bbox: msgspec.Raw
    category_id: int
    id: int = 0
    image_id: int = 0
    iscrowd: int
    keypoints: msgspec.Raw = msgspec.Raw()
    num_keypoints: int | None = None
    segmentation: msgspec.Raw


_objects = msgspec.json.Decoder(list[_Object])


class CocoExporter(BaseExporter):
    """Writes boxes, outlines, masks and keypoints; what else a label says is left out or changed, and counted."""

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with its annotation objects, which get their ids at the end."""
        objects, reasons = coco.render(labels_of(data), data.info.width, data.info.height, self.params["classes"])
        for reason, count in reasons.items():
            self.run.drop(reason, count)
        return _Labelled(data, objects)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the image and hands its objects to the end."""
        sample = data.sample
        self.run.place(sample, media_path(sample, "images"))
        about = [file_name(sample), sample.info.width, sample.info.height, sample.labelled]
        self.run.emit(_IMAGES + sample.split, [*about, data.objects])
        for label, count in sorted({(one.label, len(one.keypoints)) for one in sample.annotations if one.keypoints}):
            self.run.emit("keypoints", [label, count])

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes each split's document, `dataset.yaml` and `classes.txt`."""
        shares = [split for split, share in self.params["split"].items() if share > 0]
        found = (kind.removeprefix(_IMAGES) for kind in self.run.kinds() if kind.startswith(_IMAGES))
        splits = list(dict.fromkeys([*shares, *sorted(found)]))
        classes = list(self.params["classes"])
        known = {category.name: category for category in self.params.get("categories", ())}
        categories = coco.categories(classes, known, self._keypoints())
        content = {split: self._write_split(split, categories) for split in splits}
        names = {"names": dict(enumerate(classes, 1))}
        text = yaml.safe_dump({"splits": content} | names, sort_keys=False, allow_unicode=True)
        self.run.write("dataset.yaml", text.encode())
        self.run.write("classes.txt", "".join(f"{name}\n" for name in classes).encode())

    def _keypoints(self) -> dict[str, int]:
        """Returns the most keypoints that a label of each class has."""
        found: dict[str, int] = {}
        for label, count in self.run.parts("keypoints"):
            found[label] = max(count, found.get(label, 0))
        return found

    def _write_split(self, split: str, categories: list[dict[str, Any]]) -> dict[str, Any]:
        path = f"annotations/instances_{split}.json"
        document = _Document(self.run, split)
        self.run.write(path, document.pieces(self.params["name"], categories))
        return {
            "images": f"images/{split}",
            "annotations": path,
            "counts": {"images": document.images, "annotations": document.annotations},
        }


class _Document:
    """A split's document, counted while it is written."""

    def __init__(self, run: ExportRun, split: str) -> None:
        self._run, self._kind = run, _IMAGES + split
        self.images = self.annotations = 0

    def pieces(self, name: str, categories: list[dict[str, Any]]) -> Iterator[bytes]:
        """Yields the document."""
        yield b'{"info":' + encode({"description": name, "version": "1.0"}) + b',"licenses":[],"categories":'
        yield encode(categories) + b',"images":['
        yield from _joined(self._images())
        yield b'],"annotations":['
        yield from _joined(self._annotations())
        yield b"]}\n"

    def _images(self) -> Iterator[list[bytes]]:
        for image in self._run.parts(self._kind, _Image):
            self.images += 1
            about = coco.image(self.images, image.file_name, image.width, image.height, image.labelled)
            yield [encode(about)]

    def _annotations(self) -> Iterator[list[bytes]]:
        for number, image in enumerate(self._run.parts(self._kind, _Image), 1):
            objects = _objects.decode(image.objects)
            for identity, found in enumerate(objects, self.annotations + 1):
                found.id, found.image_id = identity, number
            self.annotations += len(objects)
            yield [encode(found) for found in objects]


def _joined(groups: Iterator[list[bytes]]) -> Iterator[bytes]:
    comma = b"\n"
    for objects in groups:
        if objects:
            yield comma + b",\n".join(objects)
            comma = b",\n"
