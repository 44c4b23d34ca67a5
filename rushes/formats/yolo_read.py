"""Reads YOLO datasets: boxes, outlines, keypoints, or turned boxes, by the kind that all rows have.

Pixels come from the pictures, whose headers say how large they are upright; the pictures must be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from rushes.errors import AnnotationError
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import read_whole
from rushes.formats.identity import Identities, stem
from rushes.formats.rings import as_turned_box
from rushes.formats.sizes import upright_size
from rushes.formats.yolo import Kind
from rushes.formats.yolo_yaml import Layout, find_yaml, images_of, read_layout
from rushes.labels import Annotation, Box, Category, Keypoint, Point

__all__ = ["read", "read_labels"]

_MAX_BYTES = 64 * 2**20
_MOST = 2.0
"""Beyond this, numbers are not normalised ones that reach over the edge, but pixels."""
_ROUNDED = 1e-6


def read(path: Path, kind: Kind | None = None) -> Dataset:
    """Reads a dataset.

    Args:
        path: Its `dataset.yaml`, or the folder in which that is.
        kind: What rows say; None goes by `task`, which rushes writes, by `kpt_shape`, and by the number of columns.
            Four corners may be of an outline; where all rows have four, they are taken for turned boxes.

    Raises:
        AnnotationError: There is no `dataset.yaml`, or it is none; errors of label files come up with the items. They
            name file and line.
    """
    found = find_yaml(path) if path.is_dir() else path
    if found is None:
        raise AnnotationError(f"{path}: no dataset.yaml in it with names and train, val or test.")
    layout = read_layout(found)
    images = [
        _Image(split, _short(image, place), image)
        for split, places in layout.splits.items()
        for place in places
        for image in images_of(place, layout.root, f"{found.name}: {split}")
    ]
    chosen = kind or layout.task or ("pose" if layout.keypoints else _kind(map(_label_file, images)))
    return Dataset(layout.root, tuple(layout.categories.values()), _items(layout, images, chosen))


def read_labels(path: Path, classes: Sequence[str], width: int, height: int) -> tuple[Annotation, ...]:
    """Reads one file of labels: boxes, turned boxes or outlines, by its number of columns.

    Args:
        path: The file.
        classes: Names of classes, by number.
        width: Of its image, upright, in pixels.
        height: Likewise.

    Raises:
        AnnotationError: It is not there, or not what it should be. It names file and line.
    """
    layout = Layout(path, path.parent, {at: Category(name, at) for at, name in enumerate(classes)}, None, {})
    reader = _Reader(layout, _kind([str(path)]))
    return reader.labels(_rows(str(path)) or (), width, height, str(path))


class _Image(NamedTuple):
    """An image of a split, and what it is called in the folder or list that it is from."""

    split: str
    short: str
    path: str


def _items(layout: Layout, images: Sequence[_Image], kind: Kind) -> Iterator[Labelled]:
    root = f"{layout.root}/"
    identities = Identities(image.short for image in images)
    reader = _Reader(layout, kind)
    for image in images:
        where = f"{layout.path.name}: {image.split}"
        if not image.path.startswith(root):
            raise AnnotationError(f"{where}: the image {image.path} lies outside of {layout.root}.")
        path = image.path[len(root) :]
        identity = identities.take(image.short, path) or identities.take(image.short, f"{image.split}/{path}")
        if identity is None:
            raise AnnotationError(f"{where}: the image {path} stands there twice.")
        width, height = upright_size(image.path, where)
        file = _label_file(image)
        rows = _rows(file)
        labels = () if rows is None else reader.labels(rows, width, height, file)
        yield Labelled(identity, path, width, height, labels, rows is not None, split=image.split)


def _short(path: str, place: Path) -> str:
    folder = f"{place}/"
    return stem(path[len(folder) :] if path.startswith(folder) else path.rpartition("/")[2])


def _label_file(image: _Image) -> str:
    """Returns where an image's labels are: the last folder `images` becomes `labels`; beside it where there is none."""
    before, middle, after = image.path.rpartition("/images/")
    return stem(f"{before}/labels/{after}" if middle else image.path) + ".txt"


def _kind(files: Iterable[str]) -> Kind:
    """Returns the kind of the first row that tells it."""
    corners = False
    for file in files:
        for row in _rows(file) or ():
            columns = len(row.split())
            if columns == 5:
                return "detect"
            if columns > 5 and columns != 9:  # fewer are of no kind
                return "segment"
            corners = corners or columns == 9
    return "obb" if corners else "detect"


def _rows(file: str) -> list[str] | None:
    """Returns the lines of a label file; None where there is none."""
    try:
        return read_whole(file, _MAX_BYTES).decode().splitlines()
    except UnicodeDecodeError:
        raise AnnotationError(f"{PurePath(file).name}: not text in UTF-8.") from None
    except AnnotationError:
        if Path(file).exists():
            raise
        return None


class _Reader:
    """Reads the rows of images, one image after the other."""

    def __init__(self, layout: Layout, kind: Kind) -> None:
        # By the number as a row has it: a row's 3.5 is the number of no class.
        self.categories = {float(number): category for number, category in layout.categories.items()}
        self.keypoints = layout.keypoints or (0, 3)
        self.kind, self.width, self.height = kind, 0, 0
        self.columns = {"detect": 5, "obb": 9, "pose": 5 + math.prod(self.keypoints)}.get(kind)

    def labels(self, rows: Sequence[str], width: int, height: int, file: str) -> tuple[Annotation, ...]:
        """Returns the labels that the rows of an image are.

        Args:
            rows: The rows.
            width: Of the image, in pixels.
            height: Likewise.
            file: What messages call the file of the rows.
        """
        self.width, self.height = width, height
        found: list[Annotation] = []
        for number, row in enumerate(rows, 1):
            texts = row.split()
            if not texts:
                continue
            try:
                found.append(self._read(texts))
            except ValueError as error:
                raise AnnotationError(f"{PurePath(file).name}:{number}: {error}.") from None
        return tuple(found)

    def _read(self, texts: Sequence[str]) -> Annotation:
        if len(texts) != self.columns and (self.columns or len(texts) < 7 or len(texts) % 2 == 0):
            expected = self.columns or "an odd number of at least 7"
            raise ValueError(f"{len(texts)} columns; expected {expected}, as in all rows of kind {self.kind}")
        first, *numbers = map(float, texts)
        for number in numbers:
            if not -1 <= number <= _MOST:  # nan is neither
                raise ValueError("expected numbers that are normalised by the size of the image")
        category = self.categories.get(first)
        if category is None:
            raise ValueError(f"{texts[0]!r} is the number of no class")
        if self.kind == "detect":
            return Annotation(category.name, self._box(*numbers))
        return self._shape(category.name, numbers)

    def _shape(self, name: str, numbers: list[float]) -> Annotation:
        if self.kind == "pose":
            return Annotation(name, self._box(*numbers[:4]), keypoints=self._keypoints(numbers[4:]))
        points = self._points(numbers)
        if self.kind == "segment":
            return Annotation(name, polygon=points)
        turned = as_turned_box(points, 4 * _ROUNDED * max(self.width, self.height))
        if turned is None:
            return Annotation(name, polygon=points)
        return Annotation(name, box=turned[0], rotation=turned[1])

    def _box(self, x: float, y: float, width: float, height: float) -> Box:
        if width < 0 or height < 0:
            raise ValueError("expected a width and a height of at least 0")
        left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
        if left < 0 or top < 0 or right > 1 or bottom > 1:
            left, right, top, bottom = map(_edge, (left, right, top, bottom))
        left, right, top, bottom = left * self.width, right * self.width, top * self.height, bottom * self.height
        return left, top, right - left, bottom - top

    def _points(self, numbers: Sequence[float]) -> tuple[Point, ...]:
        return tuple((x * self.width, y * self.height) for x, y in zip(numbers[::2], numbers[1::2], strict=True))

    def _keypoints(self, numbers: Sequence[float]) -> tuple[Keypoint, ...]:
        size = self.keypoints[1]
        points = self._points([value for at, value in enumerate(numbers) if at % size < 2])
        if size == 2:
            return tuple((x, y, 2.0 if x or y else 0.0) for x, y in points)
        seen = numbers[2::3]
        if not {0, 1, 2}.issuperset(seen):
            raise ValueError("expected a visibility of 0, 1 or 2")
        return tuple((x, y, visibility) for (x, y), visibility in zip(points, seen, strict=True))


def _edge(value: float) -> float:
    """Returns an edge; one that six decimals moved out of the image is at its edge."""
    if -_ROUNDED <= value < 0:
        return 0.0
    return 1.0 if 1 < value <= 1 + _ROUNDED else value
