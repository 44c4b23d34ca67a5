"""The YOLO layouts: images, label files, and the `dataset.yaml` that Ultralytics trains from.

    images/train/a.jpg  labels/train/a.txt  classes.txt  dataset.yaml

They differ in what a row says: a box, an outline, a box with keypoints, or a turned box; see `rushes.formats.yolo`.

An image of which somebody said that nothing is in it has an empty label file. One that nobody labelled has no label
file at all, which Ultralytics counts as `missing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import yaml

from rushes.export.base import BaseExporter, labels_of, media_path
from rushes.formats import yolo
from rushes.labels import Category
from rushes.records import Sample

__all__ = ["YoloExporter", "YoloObbExporter", "YoloPoseExporter", "YoloSegExporter"]

_LEAST_PIXELS = 10
"""Ultralytics takes images whose shorter side has fewer for corrupt, and trains without them."""


class _Labelled(NamedTuple):
    sample: Sample
    rows: list[str]


class YoloExporter(BaseExporter):
    """Writes boxes for detection; what a box cannot say is left out, and counted by reason."""

    kind: ClassVar[yolo.Kind] = "detect"

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with the rows of its label file."""
        info, classes = data.info, self.params["classes"]
        rows, reasons = yolo.render(labels_of(data), info.width, info.height, classes, self.kind, self.keypoints())
        for reason, count in reasons.items():
            self.run.drop(reason, count)
        return _Labelled(data, rows)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the image, and writes its label file where it was labelled."""
        sample = data.sample
        self.run.place(sample, media_path(sample, "images"))
        self.run.emit("split", [sample.split, sample.labelled])
        if min(sample.info.width, sample.info.height) < _LEAST_PIXELS:
            self.run.emit("small", sample.split)
        if sample.labelled:
            self.write_rows(sample.split, sample.name, data.rows)

    def write_rows(self, split: str, name: str, rows: Sequence[str]) -> None:
        """Writes an image's label file."""
        self.run.write(f"labels/{split}/{name}.txt", "".join(f"{row}\n" for row in rows).encode())

    def keypoints(self) -> int | None:
        """Returns how many keypoints each row has, where rows have any and that is known from the beginning."""
        return 0

    def about(self) -> dict[str, Any]:
        """Returns what else `dataset.yaml` says, of rows of this kind; `task` is for readers like ours."""
        return {} if self.kind == "detect" else {"task": self.kind}

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `dataset.yaml` and `classes.txt`, and warns of what a training would stumble over."""
        counts = Counter(tuple(part) for part in self.run.parts("split"))
        shares = [split for split, share in self.params["split"].items() if share > 0]
        # Ultralytics asks for train and val, whatever the shares are; the path is that of the file itself.
        splits = list(dict.fromkeys(["train", "val", *shares, *sorted(split for split, _ in counts)]))
        for split in splits:
            (export_path / "images" / split).mkdir(parents=True, exist_ok=True)
        self._warn(splits, counts)
        content = {split: f"images/{split}" for split in splits}
        classes = list(self.params["classes"])
        names = {"nc": len(classes), "names": dict(enumerate(classes))}
        text = yaml.safe_dump(content | names | self.about(), sort_keys=False, allow_unicode=True)
        self.run.write("dataset.yaml", text.encode())
        self.run.write("classes.txt", "".join(f"{name}\n" for name in classes).encode())

    def _warn(self, splits: list[str], counts: Counter[tuple[Any, ...]]) -> None:
        for split, count in sorted(Counter(self.run.parts("small")).items()):
            self.run.log_message(
                f"{count} images of split {split} are under {_LEAST_PIXELS} pixels wide or high; "
                "Ultralytics takes them for corrupt, and trains without them",
                "warning",
            )
        for split in splits:
            if not counts[split, True] and not counts[split, False]:
                self.run.log_message(f"no image is in split {split}: change export.split, or add items", "warning")
            if counts[split, False]:
                self.run.log_message(
                    f"{counts[split, False]} images of split {split} have no labels at all; "
                    "a training takes them for images of nothing",
                    "warning",
                )


class YoloSegExporter(YoloExporter):
    """Writes one ring a label, for segmentation; pieces and holes are bridged, masks traced, and both counted."""

    kind = "segment"


class YoloObbExporter(YoloExporter):
    """Writes turned boxes; an outline becomes the smallest one around it, and is counted."""

    kind = "obb"


class YoloPoseExporter(YoloExporter):
    """Writes boxes with keypoints, as many in each row.

    Where nobody said how many a class has, that is known at the end only, and so label files are written then.
    """

    kind = "pose"

    def keypoints(self) -> int | None:
        """Returns how many keypoints the class with the most of them has; None where no class says."""
        return max((len(category.keypoints) for category in self._known()), default=0) or None

    def write_rows(self, split: str, name: str, rows: Sequence[str]) -> None:
        """Writes an image's label file, or hands its rows to the end."""
        if self.keypoints() is None:
            self.run.emit("pose", [split, name, list(rows), self.run.dropped["keypoints_padded"]])
        else:
            super().write_rows(split, name, rows)

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes label files that waited for the number of keypoints, and what all YOLO datasets have."""
        count = self._count()
        for split, name, rows, padded in self.run.parts("pose"):
            if rows and _columns(rows[0]) < count:
                self.run.drop("keypoints_padded", len(rows) - padded)  # the others were counted with their image
            super().write_rows(split, name, [_filled(row, count) for row in rows])
        super().additional_file_saving(export_path)

    def about(self) -> dict[str, Any]:
        """Returns the shape of the keypoints, their names, and which one each becomes in a mirror."""
        found: dict[str, Any] = {**super().about(), "kpt_shape": [self._count(), 3]}
        flips = {flip_of(category) for category in self._known()}
        if len(flips) == 1 and (flip := flips.pop()):
            found["flip_idx"] = list(flip)
        numbers = {name: number for number, name in enumerate(self.params["classes"])}
        names = {numbers[known.name]: list(known.keypoints) for known in self._known() if known.name in numbers}
        return found | ({"kpt_names": dict(sorted(names.items()))} if names else {})

    def _known(self) -> list[Category]:
        classes = set(self.params["classes"])
        known: Sequence[Category] = self.params.get("categories", ())
        return [category for category in known if category.keypoints and category.name in classes]

    def _count(self) -> int:
        """Returns how many keypoints each row has; at least one, or nothing could be trained from it."""
        found = (_columns(row) for _, _, rows, _ in self.run.parts("pose") for row in rows)
        return self.keypoints() or max(found, default=0) or 1


def flip_of(category: Category) -> tuple[int, ...]:
    """Returns for each keypoint which one it becomes in a mirror: as said, or as left and right in the names tell."""
    if category.flip:
        return category.flip
    index = {name: number for number, name in enumerate(category.keypoints)}
    found = tuple(index.get(_mirrored(name), number) for number, name in enumerate(category.keypoints))
    return found if found != tuple(range(len(found))) else ()


def _mirrored(name: str) -> str:
    for side, other in (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT")):
        if side in name:
            return name.replace(side, other)
        if other in name:
            return name.replace(other, side)
    return name


def _columns(row: str) -> int:
    return (row.count(" ") - 4) // 3


def _filled(row: str, count: int) -> str:
    return row + f" {yolo.NO_KEYPOINT}" * (count - _columns(row))
