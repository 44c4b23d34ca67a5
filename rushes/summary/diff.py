"""What became of a dataset: the rows of two manifests compared by id.

Of the old manifest's rows only digests are kept, less than a hundred bytes each, and of the new one's none; names are
read off the files for the few that are shown. Where a row's status is another one, its content, labels and split are
not compared: an item that failed has none.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import ConfigError, LedgerError
from rushes.index import Index
from rushes.jsonl import encode, read_lines
from rushes.summary.label_diff import LabelCounts, Labels, LabelTally
from rushes.summary.publish import MANIFEST, SUMMARY

__all__ = ["KINDS", "Diff", "diff_datasets", "diff_manifests", "since"]

KINDS = ("added", "vanished", "status", "content", "labels", "split", "attributes")
"""How a row can differ; one that is in both may differ in several ways."""

_RELABELLED = frozenset({"added", "status", "labels"})
"""Kinds of difference in which labels may be other ones."""

_ID_BYTES, _PART_BYTES = 16, 8
_ROW_BYTES = _ID_BYTES + _PART_BYTES * len(KINDS[2:])


class Diff(msgspec.Struct, frozen=True):
    """How two manifests differ.

    Attributes:
        rows: Rows of the old one, and of the new one.
        differ: Rows that differ in any way.
        counts: Rows by kind of difference; status counts another error code, too, attributes another group or URL.
        first: Ids of the first of each kind, in the order of the manifests.
        classes: Labels of each class in the old one and in the new one, where these are not the same.
        labels: What became of labels, by class, where that was asked for.
    """

    rows: tuple[int, int]
    differ: int
    counts: dict[str, int]
    first: dict[str, tuple[str, ...]]
    classes: dict[str, tuple[int, int]]
    labels: dict[str, LabelCounts] = {}

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return self.differ == 0


class _Label(msgspec.Struct):
    label: str


class _Row(msgspec.Struct):
    id: str
    source: str
    status: str
    error_code: str | None = None
    sha256: str | None = None
    source_sha256: str | None = None
    split: str | None = None
    group: str | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"{}")
    annotations: msgspec.Raw = msgspec.Raw(b"null")


class _Side:
    """One manifest, read row by row."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows = 0
        self.classes: Counter[str] = Counter()

    def digests(self) -> Iterator[tuple[_Row, bytes, bytes]]:
        """Yields each row, the digest of its id, and the digests of what may differ, and counts on the way."""
        for row in read_lines(self._path, _Row):
            self.rows += 1
            self.classes.update(label.label for label in msgspec.json.decode(row.annotations, type=_Labels) or ())
            yield row, _digest(row.id, _ID_BYTES), b"".join(map(_digest, _parts(row)))

    def flagged(self, flags: bytearray) -> Iterator[_Row]:
        """Yields the rows that have a flag."""
        rows = read_lines(self._path, _Row) if any(flags) else ()
        return (row for row, flag in zip(rows, flags, strict=False) if flag)

    def starts(self) -> array[int]:
        """Returns at which byte each row begins."""
        found = array("Q", (0,))
        with self._path.open("rb") as file:
            for line in file:
                found.append(found[-1] + len(line))
        return found

    def row(self, start: int) -> _Row:
        """Returns the row that begins there."""
        return next(iter(read_lines(self._path, _Row, start, 1)))


class _Known:
    """The rows of a manifest, to be found by their ids, each once."""

    def __init__(self, side: _Side) -> None:
        self._digests = bytearray()
        self._index = Index(self._kept(side))
        self.unseen = bytearray(b"\1") * side.rows

    def take(self, id_: str, key: bytes) -> tuple[int, bytes] | None:
        """Returns the number of a row and its digests, None where there is none, or none any more."""
        for number in self._index.places(id_):
            start = number * _ROW_BYTES
            if self.unseen[number] and self._digests[start : start + _ID_BYTES] == key:
                self.unseen[number] = 0
                return number, bytes(self._digests[start + _ID_BYTES : start + _ROW_BYTES])
        return None

    def _kept(self, side: _Side) -> Iterator[tuple[int, str]]:
        for number, (row, key, parts) in enumerate(side.digests()):
            self._digests += key + parts
            yield number, row.id


_Labels = list[_Label] | None


def diff_datasets(old: Path, new: Path, shown: int = 20) -> Diff:
    """Compares two datasets.

    Args:
        old: Folder of the one.
        new: Folder of the other.
        shown: How many ids of each kind to name.

    Raises:
        ConfigError: One of them is no dataset that rushes wrote.
    """
    for folder in (old, new):
        if not (folder / MANIFEST).is_file():
            raise ConfigError(f"{folder}: no dataset: expected a folder with the file {MANIFEST}, as `run` writes it.")
    return diff_manifests(old / MANIFEST, new / MANIFEST, shown, labels=True)


def diff_manifests(old: Path, new: Path, shown: int = 0, labels: bool = False) -> Diff:
    """Compares two manifests; arguments as for `diff_datasets`, but files.

    Args:
        old: The one.
        new: The other.
        shown: How many ids of each kind to name.
        labels: Whether to look into the labels of rows that differ: such rows of the old one are read once more.

    Raises:
        LedgerError: One of them cannot be read.
    """
    before, after = _Side(old), _Side(new)
    known = _Known(before)
    counts = dict.fromkeys(KINDS, 0)
    first: dict[str, list[str]] = {kind: [] for kind in KINDS}
    tally, starts = LabelTally(), before.starts() if labels else None
    differ = 0
    for row, key, parts in after.digests():
        taken = known.take(row.id, key)
        kinds = _kinds(taken and taken[1], parts)
        differ += bool(kinds)
        for kind in kinds:
            counts[kind] += 1
            if len(first[kind]) < shown:
                first[kind].append(row.id)
        if starts and _RELABELLED.intersection(kinds):
            tally.add(_labels(before.row(starts[taken[0]]) if taken else None), _labels(row))
    counts["vanished"] = sum(known.unseen)
    vanished = tuple(row.id for row in islice(before.flagged(known.unseen), shown)) if shown else ()
    names = {kind: tuple(ids) for kind, ids in first.items()} | {"vanished": vanished}
    for row in before.flagged(known.unseen) if labels else ():
        tally.add(_labels(row), None)
    classes = {
        name: (before.classes[name], after.classes[name])
        for name in sorted(before.classes.keys() | after.classes.keys())
        if before.classes[name] != after.classes[name]
    }
    rows = (before.rows, after.rows)
    return Diff(rows, differ + counts["vanished"], counts, names, classes, tally.result())


def since(dataset: Path, manifest: Path) -> dict[str, Any] | None:
    """Returns in counts how a new manifest differs from the dataset before it, and which run wrote that one.

    None where none stands there, or none that can be read.
    """
    try:
        run = json.loads((dataset / SUMMARY).read_bytes())["run"]
        found = diff_manifests(dataset / MANIFEST, manifest)
    except (OSError, ValueError, KeyError, LedgerError):
        return None
    return {
        "run": run,
        "rows": found.rows,
        "differ": found.differ,
        "counts": found.counts,
        "classes": found.classes,
    }


def _parts(row: _Row) -> Iterator[Any]:
    """Yields what may differ, in the order of `KINDS`."""
    yield row.status, row.error_code
    yield row.sha256, row.source_sha256
    yield row.annotations
    yield row.split
    yield row.source, row.group, row.attributes


def _labels(row: _Row | None) -> Labels:
    """Returns the labels of a row; None where there is none."""
    found: Labels = msgspec.json.decode(row.annotations, type=Labels) if row else None
    return found


def _kinds(old: bytes | None, new: bytes) -> list[str]:
    if old is None:
        return ["added"]
    parts = range(0, len(new), _PART_BYTES)
    found = [
        kind
        for kind, at in zip(KINDS[2:], parts, strict=True)
        if old[at : at + _PART_BYTES] != new[at : at + _PART_BYTES]
    ]
    return ["status"] if "status" in found else found


def _digest(value: Any, size_bytes: int = _PART_BYTES) -> bytes:
    return hashlib.blake2b(encode(value), digest_size=size_bytes).digest()
