"""The COCO layout: images, and one JSON document of instances for each split.

    images/train/a.jpg  annotations/instances_train.json  classes.txt  dataset.yaml

A `file_name` counts from `images/<split>`, as in the COCO releases. `dataset.yaml` names splits, documents and counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import yaml

from rushes.export.base import BaseExporter, labels_of, media_path
from rushes.formats import coco
from rushes.jsonl import encode
from rushes.records import Sample

__all__ = ["CocoExporter"]


class _Labelled(NamedTuple):
    sample: Sample
    objects: list[dict[str, Any]]


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
        path = media_path(sample, "images")
        self.run.place(sample, path)
        about = [PurePosixPath(path).name, sample.info.width, sample.info.height, sample.labelled]
        self.run.emit(f"image {sample.split}", [*about, data.objects])
        self.run.emit("split", sample.split)
        for label, count in sorted({(found.label, len(found.keypoints or ())) for found in sample.annotations}):
            if count:
                self.run.emit("keypoints", [label, count])

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes each split's document, `dataset.yaml` and `classes.txt`."""
        shares = [split for split, share in self.params["split"].items() if share > 0]
        splits = list(dict.fromkeys([*shares, *sorted(set(self.run.parts("split")))]))
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
        self.run.write(path, self._document(split, categories))
        images = annotations = 0
        for *_, objects in self.run.parts(f"image {split}"):
            images += 1
            annotations += len(objects)
        return {
            "images": f"images/{split}",
            "annotations": path,
            "counts": {"images": images, "annotations": annotations},
        }

    def _document(self, split: str, categories: list[dict[str, Any]]) -> Iterator[bytes]:
        info = {"description": self.params["name"], "version": "1.0"}
        yield b'{"info":' + encode(info) + b',"licenses":[],"categories":'
        yield encode(categories) + b',"images":['
        yield from _joined(self._images(split))
        yield b'],"annotations":['
        yield from _joined(self._annotations(split))
        yield b"]}\n"

    def _images(self, split: str) -> Iterator[dict[str, Any]]:
        for number, (*about, _) in enumerate(self.run.parts(f"image {split}"), 1):
            yield coco.image(number, *about)

    def _annotations(self, split: str) -> Iterator[dict[str, Any]]:
        identity = 0
        for number, (*_, objects) in enumerate(self.run.parts(f"image {split}"), 1):
            for found in objects:
                identity += 1
                yield {"id": identity, "image_id": number, **found}


def _joined(objects: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    comma = b"\n"
    for found in objects:
        yield comma + encode(found)
        comma = b",\n"
