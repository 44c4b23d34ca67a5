"""What became of a dataset: the rows of two manifests compared by id.

Of the old manifest's rows only digests are kept, less than a hundred bytes each, and of the new one's none; names are
read off the files for the few that are shown. Where a row's status is another one, its content, labels and split are
not compared: an item that failed has none.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import ConfigError, LedgerError
from rushes.index import Index
from rushes.jsonl import encode, read_lines
from rushes.summary.publish import MANIFEST, SUMMARY

__all__ = ["KINDS", "Diff", "diff_datasets", "diff_manifests", "since"]

KINDS = ("added", "vanished", "status", "content", "labels", "split", "attributes")
"""How a row can differ; one that is in both may differ in several ways."""

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
    """

    rows: tuple[int, int]
    differ: int
    counts: dict[str, int]
    first: dict[str, tuple[str, ...]]
    classes: dict[str, tuple[int, int]]

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

    def digests(self) -> Iterator[tuple[str, bytes, bytes]]:
        """Yields id, digest of the id, and the digests of what may differ, and counts on the way."""
        for row in read_lines(self._path, _Row):
            self.rows += 1
            self.classes.update(label.label for label in msgspec.json.decode(row.annotations, type=_Labels) or ())
            yield row.id, _digest(row.id, _ID_BYTES), b"".join(map(_digest, _parts(row)))

    def ids(self, unseen: bytearray, count: int) -> tuple[str, ...]:
        """Returns the first ids of the rows that have this flag."""
        rows = read_lines(self._path, _Row) if count and any(unseen) else ()
        return tuple(islice((row.id for row, one in zip(rows, unseen, strict=False) if one), count))


class _Known:
    """The rows of a manifest, to be found by their ids, each once."""

    def __init__(self, side: _Side) -> None:
        self._digests = bytearray()
        self._index = Index(self._kept(side))
        self.unseen = bytearray(b"\1") * side.rows

    def take(self, id_: str, key: bytes) -> bytes | None:
        """Returns the digests of what may differ of a row, None where there is none, or none any more."""
        for number in self._index.places(id_):
            start = number * _ROW_BYTES
            if self.unseen[number] and self._digests[start : start + _ID_BYTES] == key:
                self.unseen[number] = 0
                return bytes(self._digests[start + _ID_BYTES : start + _ROW_BYTES])
        return None

    def _kept(self, side: _Side) -> Iterator[tuple[int, str]]:
        for number, (id_, key, parts) in enumerate(side.digests()):
            self._digests += key + parts
            yield number, id_


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
    return diff_manifests(old / MANIFEST, new / MANIFEST, shown)


def diff_manifests(old: Path, new: Path, shown: int = 0) -> Diff:
    """Compares two manifests; arguments as for `diff_datasets`, but files.

    Raises:
        LedgerError: One of them cannot be read.
    """
    before, after = _Side(old), _Side(new)
    known = _Known(before)
    counts = dict.fromkeys(KINDS, 0)
    first: dict[str, list[str]] = {kind: [] for kind in KINDS}
    differ = 0
    for id_, key, parts in after.digests():
        kinds = _kinds(known.take(id_, key), parts)
        differ += bool(kinds)
        for kind in kinds:
            counts[kind] += 1
            if len(first[kind]) < shown:
                first[kind].append(id_)
    counts["vanished"] = sum(known.unseen)
    names = {kind: tuple(ids) for kind, ids in first.items()} | {"vanished": before.ids(known.unseen, shown)}
    classes = {
        name: (before.classes[name], after.classes[name])
        for name in sorted(before.classes.keys() | after.classes.keys())
        if before.classes[name] != after.classes[name]
    }
    return Diff((before.rows, after.rows), differ + counts["vanished"], counts, names, classes)


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
