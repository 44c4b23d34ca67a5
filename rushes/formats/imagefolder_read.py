"""Reads imagefolder and videofolder: by metadata.jsonl or metadata.csv, or, without either, by the names of folders."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from rushes.errors import AnnotationError
from rushes.formats import class_folders
from rushes.formats.annotation import parse
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import all_listed, categories_of, class_names, distinct, inside, need_folder, split_of
from rushes.labels import Annotation
from rushes.rows import Row, read_csv, read_jsonl

__all__ = ["read"]

_READERS = {"metadata.jsonl": read_jsonl, "metadata.csv": read_csv}
_CATEGORIES = ("categories", "category", "labels", "label")
_MAX_NUMBER = 100_000
_OWN = {"file_name", "label", "objects", "annotations"}


def read(path: Path) -> Dataset:
    """Reads a dataset.

    Args:
        path: Its folder.

    Raises:
        ConfigError: There is neither metadata nor media.
        AnnotationError: A line is not what it should be; those come up while items are read.
    """
    need_folder(path, "images or videos, and metadata.jsonl or metadata.csv")
    files = sorted(_metadata(path))
    if not files:
        return class_folders.read(path)
    listed = class_names(path)
    names = _names(path, files) if listed is None else [*listed]
    return Dataset(path, categories_of(names, ()), all_listed(_items(path, files, names), listed))


def _metadata(path: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(path):
        yield from (Path(folder) / name for name in names if name in _READERS)


def _rows(path: Path, files: Iterable[Path]) -> Iterator[tuple[Path, str, Row]]:
    for file in files:
        name = file.relative_to(path).as_posix()
        for row in _READERS[file.name](file, name, required="file_name"):
            if row.error is not None:
                raise AnnotationError(str(row.error))
            where = f"{name}:{row.line}"
            if not isinstance(row.cells.get("file_name"), str):
                raise AnnotationError(
                    f"{where}: file_name = {reprlib.repr(row.cells.get('file_name'))}: expected a path."
                )
            yield file.parent.relative_to(path), where, row


def _names(path: Path, files: Iterable[Path]) -> list[str]:
    """Returns the classes that are named or numbered; of numbers, all up to the highest one."""
    highest = -1

    def named() -> Iterator[str]:
        nonlocal highest
        for found in _used(path, files):
            if isinstance(found, str):
                yield found
            else:
                highest = max(highest, found)

    names = sorted(distinct(named(), str(path)))
    if highest > _MAX_NUMBER:
        raise AnnotationError(f"{path}: a class with the number {highest}; expected numbers from 0, without gaps.")
    return list(dict.fromkeys([*map(str, range(highest + 1)), *names]))


def _used(path: Path, files: Iterable[Path]) -> Iterator[str | int]:
    for _, where, row in _rows(path, files):
        cells = row.cells
        whole = _class(cells.get("label"), where)
        yield from () if whole is None else (whole,)
        yield from (label.label for label in _texts(cells, where) or ())
        yield from _numbered(cells, where)


def _items(path: Path, files: Iterable[Path], names: Sequence[str]) -> Iterator[Labelled]:
    seen: set[str] = set()
    for folder, where, row in _rows(path, files):
        stated = inside(row.cells["file_name"], where)
        file = (PurePosixPath(folder.as_posix()) / stated).as_posix()
        if file in seen:
            raise AnnotationError(f"{where}: {reprlib.repr(file)} has a line already; expected one line for each file.")
        seen.add(file)
        yield _item(file, row.cells, where, names)


def _item(file: str, cells: Mapping[str, Any], where: str, names: Sequence[str]) -> Labelled:
    texts = _texts(cells, where)
    if texts is None:
        pairs = _pairs(cells, where)
        found = None if pairs is None else tuple(_boxed(one, box, where, names) for one, box in pairs)
    else:
        found = texts
    whole = _class(cells.get("label"), where)
    return Labelled(
        file,
        file,
        annotations=found or (),
        labelled=found is not None,
        label=None if whole is None else _name(whole, names, f"{where}: label"),
        split=split_of(PurePosixPath(file).parts[0]),
        attributes={name: value for name, value in cells.items() if name not in _OWN and value is not None},
    )


def _texts(cells: Mapping[str, Any], where: str) -> tuple[Annotation, ...] | None:
    """Returns the labels of the column `annotations`; None where there is none."""
    return parse(cells["annotations"], where) if cells.get("annotations") else None


def _pairs(cells: Mapping[str, Any], where: str) -> list[tuple[Any, Any]] | None:
    """Returns class and box of each object of the column `objects`; None where there is none."""
    objects = cells.get("objects")
    if isinstance(objects, str):
        try:
            objects = msgspec.json.decode(objects)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise AnnotationError(f"{where}: objects = {reprlib.repr(objects)}: not valid JSON: {error}.") from None
    if objects is None or cells.get("annotations") == "":
        return None
    key = next((key for key in _CATEGORIES if isinstance(objects, dict) and key in objects), None)
    boxes, classes = (objects.get("bbox"), objects[key]) if key else (None, None)
    if not isinstance(boxes, list) or not isinstance(classes, list) or len(boxes) != len(classes):
        raise AnnotationError(
            f"{where}: objects = {reprlib.repr(objects)}: expected bbox and categories, lists of one length."
        )
    return list(zip(classes, boxes, strict=True))


def _numbered(cells: Mapping[str, Any], where: str) -> Iterator[str | int]:
    for one, _ in _pairs(cells, where) or ():
        found = _class(one, where)
        if found is not None:
            yield found


def _boxed(one: Any, box: Any, where: str, names: Sequence[str]) -> Annotation:
    found = _class(one, where)
    (label,) = parse(
        [{"class": "box" if found is None else _name(found, names, where), "box": box}], f"{where}: objects"
    )
    if found is None:
        raise AnnotationError(f"{where}: categories: expected the class of each box, found null.")
    return label


def _class(value: Any, where: str) -> str | int | None:
    if value is None or (isinstance(value, str) and value.strip() and len(value.splitlines()) == 1):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise AnnotationError(f"{where}: {reprlib.repr(value)}: expected a class, as its name or as its number from 0.")


def _name(found: str | int, names: Sequence[str], where: str) -> str:
    if isinstance(found, str):
        return found
    if found < len(names):
        return names[found]
    raise AnnotationError(f"{where}: class number {found}; expected 0 to {len(names) - 1}, as classes.txt counts.")
