"""One COCO document: its categories and images, and its annotations by image."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes.errors import AnnotationError
from rushes.formats.coco_labels import (
    Identity,
    RawAnnotation,
    RawCategory,
    RawImage,
    category_of,
    forget_outlines,
    label_of,
)
from rushes.formats.coco_spill import Grouped
from rushes.formats.json_members import read_members
from rushes.labels import Annotation, Category

__all__ = ["Document"]

_FEW = 500_000
"""So many ids are compared one by one."""


class Document:
    """A document, read once from end to end; twice where its annotations stand before its images.

    Args:
        path: The document.
        outlines: Whether segmentations matter; else they are left out where there is a box, and counted.

    Raises:
        AnnotationError: It is no such document. It names the object and the byte, or the key.
    """

    def __init__(self, path: Path, outlines: bool = True) -> None:
        self.path, self.outlines = path, outlines
        self.images: list[RawImage] = []
        self.categories: dict[Identity, Category] = {}
        self._index: dict[Identity, int] = {}
        self._grouped: Grouped | None = None
        self._count = 0
        self._ids = _Ids()
        if self._read({"images": RawImage, "annotations": RawAnnotation, "categories": RawCategory}):
            for _, found in read_members(path, path.name, {"annotations": RawAnnotation}):
                self._take_annotations(found)
        twice = self._ids.twice()
        if twice is not None:
            raise self.error(f"annotations: two of them have the id {twice!r}; give each its own")

    def labels(self) -> Iterator[tuple[RawImage, tuple[Annotation, ...], Counter[str], Sequence[RawAnnotation]]]:
        """Yields images with their labels, what these cannot say, and annotations that are of a whole picture; once."""
        grouped = self._group()
        for image, numbered in zip(self.images, grouped.by_image(), strict=True):
            dropped: Counter[str] = Counter()
            labels: list[Annotation] = []
            segmented: list[RawAnnotation] = []
            for number, raw in numbered:
                if raw.segments_info is not None:
                    segmented.append(raw)
                    continue
                label = self._label(number, raw, dropped)
                if label is not None:
                    labels.append(label)
            yield image, tuple(labels), dropped, segmented

    def error(self, text: str) -> AnnotationError:
        """Returns the error that something in the document is wrong; the text begins with the place."""
        return AnnotationError(f"{self.path.name}: {text}.")

    def _label(self, number: int, raw: RawAnnotation, dropped: Counter[str]) -> Annotation | None:
        category = self.categories.get(raw.category_id) if raw.category_id is not None else None
        if category is None:
            said = "is missing" if raw.category_id is None else f"{raw.category_id!r} is the id of no category"
            raise self.error(f"annotations[{number}].category_id: {said}")
        try:
            return label_of(raw, category.name, dropped)
        except ValueError as error:
            raise self.error(f"annotations[{number}].{error}") from None

    def _read(self, kinds: Mapping[str, Any]) -> bool:
        """Reads the document, and says whether annotations were passed over, because images come after them."""
        passed_over = False
        for key, found in read_members(self.path, self.path.name, kinds):
            if key == "images":
                self._take_images(found)
            elif key == "categories":
                self._take_categories(found)
            elif self.images:
                self._take_annotations(found)
            else:
                passed_over = True
        return passed_over

    def _take_images(self, found: Sequence[RawImage]) -> None:
        for image in found:
            number = len(self.images)
            if self._index.setdefault(image.id, number) != number:
                first = self._index[image.id]
                raise self.error(f"images[{number}].id: {image.id!r} is the id of images[{first}] too")
            self.images.append(image)

    def _take_categories(self, found: Sequence[RawCategory]) -> None:
        names = {category.name for category in self.categories.values()}
        for raw in found:
            where = f"categories[{len(self.categories)}]"
            if raw.id in self.categories:
                raise self.error(f"{where}.id: {raw.id!r} is the id of {self.categories[raw.id].name!r} too")
            if raw.name in names:
                raise self.error(f"{where}.name: {raw.name!r} is the name of another one too; rename one of them")
            names.add(raw.name)
            self.categories[raw.id] = category_of(raw, f"{self.path.name}: {where}")

    def _take_annotations(self, found: Sequence[RawAnnotation]) -> None:
        try:
            images = [self._index[annotation.image_id] for annotation in found]
        except KeyError as error:
            at = next(at for at, annotation in enumerate(found) if annotation.image_id not in self._index)
            where = f"annotations[{self._count + at}].image_id"
            raise self.error(f"{where}: {error.args[0]!r} is the id of no image") from None
        if not self.outlines:
            forget_outlines(found)
        self._group().add(self._count, images, found)
        self._ids.add([annotation.id for annotation in found])
        self._count += len(found)

    def _group(self) -> Grouped:
        if self._grouped is None:
            self._grouped = Grouped(len(self.images), self.path.stat().st_size)
        return self._grouped


class _Ids:
    """Ids of annotations: too many for a set."""

    def __init__(self) -> None:
        self._numbers, self._names = array("q"), Counter[Identity]()

    def add(self, ids: Sequence[Identity | None]) -> None:
        count = len(self._numbers)
        try:
            self._numbers.extend(ids)  # type: ignore[arg-type]  # as they are in nearly all documents
        except TypeError:
            del self._numbers[count:]
            self._add_any(ids)

    def _add_any(self, ids: Sequence[Identity | None]) -> None:
        for identity in ids:
            if isinstance(identity, int):
                self._numbers.append(identity)
            elif identity is not None:
                self._names[identity] += 1

    def twice(self) -> Identity | None:
        """Returns an id that came twice, or None."""
        if len(self._numbers) < _FEW:
            if len(set(self._numbers)) == len(self._numbers) and not self._names:
                return None
            counts = Counter(self._numbers) + self._names
            return next((identity for identity, count in counts.items() if count > 1), None)
        import numpy as np  # slow to import

        ordered = np.sort(np.frombuffer(self._numbers, dtype=np.int64))
        equal = np.flatnonzero(ordered[1:] == ordered[:-1])
        if len(equal):
            return int(ordered[equal[0]])
        return next((name for name, count in self._names.items() if count > 1), None)
