"""CSV: one row a label, with a header, UTF-8.

    file_name,split,…,class,x,y,width,height,…
    media/train/a.jpg,train,…,car,10,20,30,40,…
    media/train/b.jpg,train,…,,,,,,…

Rows of one file stand together. A file without labels has one row without a class, whose `labelled` says whether
somebody looked. Cells of outlines, points, masks, relations, spans and attributes hold JSON, as in a source file.

A spreadsheet takes a cell for a formula that begins with =, +, - or @. So names that do have a single quote in front,
which the reader takes off again.
"""

from __future__ import annotations

import csv
import io
import math
import re
import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import AnnotationError, ConfigError
from rushes.formats.annotation import dump, parse
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import all_listed, categories_of, class_names, distinct, inside
from rushes.jsonl import encode
from rushes.labels import Annotation
from rushes.rows import Row, read_csv

__all__ = ["HEADER", "LABELS", "read", "render"]

LABELS = "labels.csv"
"""Name of the file in a dataset's folder."""

_ITEM = ("file_name", "file_id", "split", "group", "file_width", "file_height", "file_label", "labelled")
_BOX = ("x", "y", "width", "height")
_TEXT = ("class", "track", "id")
_NAMES = ("file_name", "file_id", "group", "file_label", *_TEXT)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = (*_BOX, "rotation", "time_s")
_FLAG = ("crowd", "difficult", "truncated", "occluded")
_JSON = ("polygon", "parts", "mask", "keypoints", "polyline", "relation", "spans", "attributes")
COLUMNS = (
    *(*_ITEM, "class", *_BOX, "rotation", "polygon", "parts", "mask", "keypoints", "polyline", "frame", "time_s"),
    *("track", "id", "relation", "spans", *_FLAG, "attributes", "file_attributes"),
)


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


HEADER = _line(COLUMNS)
"""The first line of a file."""


def render(item: Labelled) -> tuple[str, Counter[str]]:
    """Returns the rows of one file; there is nothing that they cannot say, so no reason is ever counted."""
    own = {
        "file_name": item.path,
        "file_id": item.id,
        "split": item.split or "",
        "group": item.group or "",
        "file_width": str(item.width or ""),
        "file_height": str(item.height or ""),
        "file_label": item.label or "",
        "labelled": _flag(item.labelled),
        "file_attributes": encode(item.attributes).decode() if item.attributes else "",
    }
    rows = [own | _cells(label) for label in item.annotations] or [own]
    return "".join(_line(_cell(row, column) for column in COLUMNS) for row in rows), Counter()


def _cell(row: Mapping[str, str], column: str) -> str:
    text = row.get(column, "")
    return f"'{text}" if column in _NAMES and _FORMULA.match(text) else text


def _name(text: str) -> str:
    """Returns a name as it was before it was guarded."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _cells(label: Annotation) -> dict[str, str]:
    found = dump(label)
    cells = dict(zip(_BOX, map(_number, found.pop("box", ())), strict=False))
    for key, value in found.items():
        if isinstance(value, bool):
            cells[key] = _flag(value)
        elif isinstance(value, float):
            cells[key] = _number(value)
        else:
            cells[key] = encode(value).decode() if key in _JSON else str(value)
    return cells


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(value)


def read(path: Path) -> Dataset:
    """Reads a file of labels.

    Args:
        path: The file, or a folder with a `labels.csv`. Paths in it count from its folder.

    Raises:
        ConfigError: It is not there, or its header lacks `file_name`.
        AnnotationError: A row is not what it should be; those come up while items are read.
    """
    file = path / LABELS if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(f"{file}: expected a CSV file of labels, found none.")
    listed = class_names(file.parent)
    names = listed if listed is not None else distinct(_used(file), file.name)
    return Dataset(file.parent, categories_of(names, ()), all_listed(_items(file), listed))


def _used(file: Path) -> Iterator[str]:
    for row in _rows(file):
        yield from (str(row.cells[column]) for column in ("file_label", "class") if column in row.cells)


def _rows(file: Path) -> Iterator[Row]:
    for row in read_csv(file, file.name, required="file_name"):
        if row.error is not None:
            raise AnnotationError(str(row.error))
        if "file_name" not in row.cells:
            raise AnnotationError(f"{file.name}:{row.line}: file_name is empty; expected the path of a file.")
        names = {column: _name(str(row.cells[column])) for column in _NAMES if column in row.cells}
        yield row._replace(cells={**row.cells, **names})


def _items(file: Path) -> Iterator[Labelled]:
    seen: set[str] = set()
    for name, rows in groupby(_rows(file), key=lambda row: str(row.cells["file_name"])):
        first, *others = rows
        where = f"{file.name}:{first.line}"
        if name in seen:
            raise AnnotationError(f"{where}: rows of {name!r} stand apart; sort them by file_name.")
        seen.add(name)
        yield _item(name, where, [first, *others], file.name)


def _item(name: str, where: str, rows: list[Row], file_name: str) -> Labelled:
    cells = rows[0].cells
    labels = tuple(
        label for row in rows if "class" in row.cells for label in _labels(row.cells, f"{file_name}:{row.line}")
    )
    extra = _json(cells, "file_attributes", where) if "file_attributes" in cells else {}
    if not isinstance(extra, dict):
        raise AnnotationError(f"{where}: file_attributes = {reprlib.repr(extra)}: expected an object.")
    return Labelled(
        str(cells.get("file_id", name)),
        inside(name, where),
        width=_whole(cells, "file_width", where),
        height=_whole(cells, "file_height", where),
        annotations=labels,
        labelled=_truth(cells, "labelled", where) if "labelled" in cells else bool(labels or "file_label" in cells),
        label=cells.get("file_label"),
        split=cells.get("split"),
        group=cells.get("group"),
        attributes=extra,
    )


def _labels(cells: Mapping[str, Any], where: str) -> tuple[Annotation, ...]:
    found: dict[str, Any] = {column: cells[column] for column in _TEXT if column in cells}
    found |= {column: _float(cells, column, where) for column in _NUMBER if column in cells}
    found |= {column: _truth(cells, column, where) for column in _FLAG if column in cells}
    found |= {column: _json(cells, column, where) for column in _JSON if column in cells}
    if "frame" in cells:
        found["frame"] = _whole(cells, "frame", where)
    given = [column for column in _BOX if column in found]
    if given and len(given) < len(_BOX):
        raise AnnotationError(f"{where}: {', '.join(given)} alone are no box; expected x, y, width and height.")
    if given:
        found["box"] = [found.pop(column) for column in _BOX]
    return parse([found], where)


def _float(cells: Mapping[str, Any], column: str, where: str) -> float:
    try:
        return float(cells[column]) if "_" not in cells[column] else math.nan
    except ValueError:
        raise AnnotationError(f"{where}: {column} = {reprlib.repr(cells[column])}: expected a number.") from None


def _whole(cells: Mapping[str, Any], column: str, where: str) -> int | None:
    if column not in cells:
        return None
    text = cells[column].strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise AnnotationError(f"{where}: {column} = {reprlib.repr(text)}: expected a whole number.")
    return int(text)


def _truth(cells: Mapping[str, Any], column: str, where: str) -> bool:
    text = cells[column].strip().lower()
    if text in ("true", "1", "yes", "false", "0", "no"):
        return text in ("true", "1", "yes")
    raise AnnotationError(f"{where}: {column} = {reprlib.repr(cells[column])}: expected true or false.")


def _json(cells: Mapping[str, Any], column: str, where: str) -> Any:
    try:
        return msgspec.json.decode(cells[column])
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise AnnotationError(
            f"{where}: {column} = {reprlib.repr(cells[column])}: not valid JSON: {error}. Expected it as in a source."
        ) from None
