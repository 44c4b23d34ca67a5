"""The rules by which Ultralytics takes or refuses a dataset, written down from its documentation and code.

`check_dataset` returns every complaint; an empty list is a dataset that trains. The rules are those of
`check_det_dataset` (the YAML) and `verify_image_label` (each image with its rows), for each of its tasks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

IMAGE_SUFFIXES = {".avif", ".bmp", ".dng", ".heic", ".jp2", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"}


def check_dataset(path: Path, task: str = "detect") -> list[str]:
    """Returns what Ultralytics would complain of in a `dataset.yaml` and in all that it leads to.

    Args:
        path: The `dataset.yaml`.
        task: What is trained: detect, segment, pose or obb.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    complaints = list(_check_yaml(data)) + (list(_check_pose(data)) if task == "pose" else [])
    if not complaints:
        for split in ("train", "val", "test"):
            complaints += _check_split(path, data, split, task)
    return complaints


def labels_of(image: Path) -> Path:
    """Returns where Ultralytics looks for an image's labels: the last `/images/` becomes `/labels/`."""
    before, _, after = str(image).rpartition("/images/")
    return Path(f"{before}/labels/{after}").with_suffix(".txt")


def rows_of(image: Path) -> list[list[float]]:
    """Returns the rows of an image's label file."""
    text = labels_of(image).read_text(encoding="utf-8").strip()
    return [[float(value) for value in line.split()] for line in text.splitlines() if line]


def _check_yaml(data: dict[str, Any]) -> Iterator[str]:
    yield from (f"{key} is missing" for key in ("train", "val", "names") if key not in data)
    names = data.get("names", {})
    keys = list(names) if isinstance(names, dict) else list(range(len(names)))
    if keys != list(range(len(keys))):
        yield f"names are not numbered 0 to {len(keys) - 1}: {keys}"
    if "nc" in data and data["nc"] != len(keys):
        yield f"nc is {data['nc']} for {len(keys)} names"
    if any(str(data.get(split, "")).startswith(("../", "/")) for split in ("train", "val", "test")):
        yield "a split leads out of the dataset"


def _check_pose(data: dict[str, Any]) -> Iterator[str]:
    shape = data.get("kpt_shape")
    if not isinstance(shape, list) or len(shape) != 2 or shape[1] not in (2, 3):
        yield f"kpt_shape is {shape}"
    elif "flip_idx" in data and sorted(data["flip_idx"]) != list(range(shape[0])):
        yield f"flip_idx is {data['flip_idx']} for {shape[0]} keypoints"


def _check_split(path: Path, data: dict[str, Any], split: str, task: str) -> Iterator[str]:
    if split not in data:
        return
    folder = path.parent / data.get("path", "") / data[split]
    if not folder.is_dir():
        yield f"{split}: no folder {folder}"
        return
    for image in sorted(file for file in folder.rglob("*") if file.is_file()):
        yield from (f"{image.name}: {complaint}" for complaint in _check_image(image, data, task))


def _check_image(image: Path, data: dict[str, Any], task: str) -> Iterator[str]:
    if image.suffix.lower() not in IMAGE_SUFFIXES:
        yield "not an image format that is read"
        return
    with Image.open(image) as opened:
        opened.load()
        if min(opened.size) < 10:
            yield f"{opened.size} is under 10 pixels"
    if labels_of(image).is_file():
        yield from check_rows(rows_of(image), len(data["names"]), data, task)


def check_rows(rows: list[list[float]], classes: int, data: dict[str, Any], task: str) -> list[str]:
    """Returns what would be complained of in the rows of one image."""
    return list(_check_rows(rows, classes, _columns(data, task), task))


def _columns(data: dict[str, Any], task: str) -> int | None:
    """Returns how many columns each row has; None where their number may differ."""
    pose = 5 + data["kpt_shape"][0] * data["kpt_shape"][1] if task == "pose" else None
    return {"detect": 5, "segment": None, "obb": 9}.get(task, pose)


def _check_rows(rows: list[list[float]], classes: int, columns: int | None, task: str) -> Iterator[str]:
    for row in rows:
        if (columns is not None and len(row) != columns) or (len(row) % 2 == 0 and task != "pose"):
            yield f"a row has {len(row)} columns"
            return
        if columns is None and len(row) < 7:
            yield "a row of a box among segments"
            return
        if not all(math.isfinite(value) and 0 <= value <= 1 for value in _coordinates(row, task)):
            yield f"{row}: not normalised"
        if not row[0].is_integer() or not 0 <= row[0] < classes:
            yield f"{row}: no such class"
        if min(_size(row, task)) <= 0:
            yield f"{row}: an empty box"
    if len({tuple(row) for row in rows}) != len(rows):
        yield "a row stands there twice"


def _coordinates(row: list[float], task: str) -> list[float]:
    if task != "pose":
        return row[1:]
    return row[1:5] + [value for index, value in enumerate(row[5:]) if index % 3 < 2]


def _size(row: list[float], task: str) -> tuple[float, float]:
    if task in ("detect", "pose"):
        return row[3], row[4]
    return max(row[1::2]) - min(row[1::2]), max(row[2::2]) - min(row[2::2])
