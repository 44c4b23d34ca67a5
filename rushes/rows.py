"""Rows of a CSV or JSON lines file, one at a time, each with the line that it stands in.

A row that cannot be read is a `RowError` among the rows. A file that is no such file is a `ConfigError`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple

import msgspec

from rushes.errors import ConfigError, RowError

__all__ = ["FORMATS", "MAX_LINE_BYTES", "Row", "read_csv", "read_jsonl"]

MAX_LINE_BYTES = 64 * 2**20
"""A longer line is no row; labels of an hour of video fit in."""

_BOM = b"\xef\xbb\xbf"


class Row(NamedTuple):
    """One row, or why it could not be read.

    Attributes:
        line: Number of its first line, from 1.
        cells: Values by column; without those that are empty.
        error: What is wrong with it, where it could not be read.
    """

    line: int
    cells: Mapping[str, Any]
    error: RowError | None = None


def read_csv(path: Path, name: str, required: str = "url") -> Iterator[Row]:
    """Yields the rows of a CSV file.

    Args:
        path: The file.
        name: What messages call it.
        required: A column that it must have.

    Raises:
        ConfigError: It has no header, not the required column, a column twice, or a quote that never ends.
    """
    csv.field_size_limit(MAX_LINE_BYTES)
    with path.open("rb") as file:
        # Bytes that are no UTF-8 become surrogates, so that they spoil their own row only.
        lines = (line.decode("utf-8", "surrogateescape") for line in _lines(file, name))
        reader = csv.reader(lines, strict=True)
        header = _header(reader, name, required)
        while True:
            line = reader.line_num + 1
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(line, {}, _broken(error, f"{name}:{line}"))
                continue
            if any(value.strip() for value in values):
                yield _row(header, values, line, name)


def read_jsonl(path: Path, name: str, required: str = "url") -> Iterator[Row]:
    """Yields the rows of a JSON lines file; arguments and errors as for `read_csv`."""
    with path.open("rb") as file:
        for line, text in enumerate(_lines(file, name), start=1):
            if text.strip():
                yield _object(text, line, name, required)


FORMATS: Mapping[str, Callable[[Path, str], Iterator[Row]]] = MappingProxyType(
    {".csv": read_csv, ".jsonl": read_jsonl, ".ndjson": read_jsonl}
)
"""Reader by file name suffix."""


def _lines(file: IO[bytes], name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise ConfigError(f"{name}:{number}: a line of more than {MAX_LINE_BYTES} bytes; is this a list of items?")
        if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ConfigError(f"{name}: this is UTF-16; save it as UTF-8.")
        yield line.removeprefix(_BOM) if number == 1 else line


def _header(reader: Iterator[list[str]], name: str, required: str) -> list[str]:
    try:
        names = [cell.strip() for cell in next(reader, [])]
    except csv.Error as error:
        raise ConfigError(f"{name}:1: the header cannot be read as CSV: {error}.") from None
    while names and not names[-1]:
        names.pop()
    fault = next(filter(None, map(_fault, repeat("header"), names)), None)
    if fault:
        raise ConfigError(f"{name}:1: {fault}.")
    columns = [cell or f"column_{number}" for number, cell in enumerate(names, start=1)]
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ConfigError(f"{name}:1: column {_shown(twice[0])} stands in the header twice; rename one of them.")
    if required not in columns:
        found = ", ".join(map(_shown, columns))[:200] or "nothing"
        raise ConfigError(f"{name}:1: expected a header with a column {required}, found {found}.")
    return columns


def _shown(column: str) -> str:
    """A file without a header has data where names should be, and data may carry credentials."""
    return column.encode("ascii", "backslashreplace").decode() if re.fullmatch(r"[\w .-]{1,40}", column) else "…"


def _broken(error: csv.Error, where: str) -> RowError:
    if str(error) == "unexpected end of data":
        raise ConfigError(f"{where}: a quote is opened here and never closed, so no row after it can be told apart.")
    return RowError(f"{where}: not valid CSV: {error}.")


def _row(header: list[str], values: list[str], line: int, name: str) -> Row:
    while len(values) > len(header) and not values[-1]:
        values.pop()
    cells = {column: value for column, value in zip(header, values, strict=False) if value.strip()}
    error = None
    if len(values) != len(header):
        error = f"expected {len(header)} cells, as in the header, found {len(values)}; quote cells that hold a comma"
    for column, value in cells.items():
        error = error or _fault(column, value)
    return Row(line, cells, RowError(f"{name}:{line}: {error}.") if error else None)


def _fault(column: str, value: str) -> str | None:
    if "\0" in value:
        return f"{column} holds a NUL byte"
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return f"{column} holds bytes that are not UTF-8; save the file as UTF-8"
    return None


def _object(text: bytes, line: int, name: str, required: str) -> Row:
    where = f"{name}:{line}"
    try:
        cells = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Row(line, {}, RowError(f"{where}: not valid JSON: {error}. Expected one object a line."))
    if not isinstance(cells, dict):
        return Row(
            line, {}, RowError(f"{where}: expected an object with the key {required}, found {type(cells).__name__}.")
        )
    return Row(line, {column: value for column, value in cells.items() if value is not None})
