"""The rules by which Ultralytics takes or refuses a detection dataset, written down from its documentation and code.

`check_dataset` returns every complaint; an empty list is a dataset that trains. The rules are those of
`check_det_dataset` (the YAML) and `verify_image_label` (each image with its rows).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

IMAGE_SUFFIXES = {".avif", ".bmp", ".dng", ".heic", ".jp2", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"}


def check_dataset(path: Path) -> list[str]:
    """Returns what Ultralytics would complain of in a `dataset.yaml` and in all that it leads to."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    complaints = list(_check_yaml(data))
    if not complaints:
        for split in ("train", "val", "test"):
            complaints += _check_split(path, data, split)
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


def _check_split(path: Path, data: dict[str, Any], split: str) -> Iterator[str]:
    if split not in data:
        return
    folder = path.parent / data.get("path", "") / data[split]
    if not folder.is_dir():
        yield f"{split}: no folder {folder}"
        return
    for image in sorted(file for file in folder.rglob("*") if file.is_file()):
        yield from (f"{image.name}: {complaint}" for complaint in _check_image(image, len(data["names"])))


def _check_image(image: Path, classes: int) -> Iterator[str]:
    if image.suffix.lower() not in IMAGE_SUFFIXES:
        yield "not an image format that is read"
        return
    with Image.open(image) as opened:
        opened.load()
        if min(opened.size) < 10:
            yield f"{opened.size} is under 10 pixels"
    if labels_of(image).is_file():
        yield from _check_rows(rows_of(image), classes)


def _check_rows(rows: list[list[float]], classes: int) -> Iterator[str]:
    if any(len(row) != 5 for row in rows):
        yield "a row has not 5 columns"
        return
    for row in rows:
        if not all(math.isfinite(value) and 0 <= value <= 1 for value in row[1:]):
            yield f"{row}: not normalised"
        if not row[0].is_integer() or not 0 <= row[0] < classes:
            yield f"{row}: no such class"
        if min(row[3:]) <= 0:
            yield f"{row}: an empty box"
    if len({tuple(row) for row in rows}) != len(rows):
        yield "a row stands there twice"
