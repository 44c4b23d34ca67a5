"""Which files of a dataset the report shows: the same ones whenever the dataset is the same, in one pass over its rows.

The manifest may be long and a row large, so of the rows that are candidates only their places in the file are kept.
"""

from __future__ import annotations

import heapq
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from rushes.jsonl import decode
from rushes.records import ManifestRow

__all__ = ["Picks", "pick", "rarest"]


class Picks(NamedTuple):
    """Rows to show.

    Attributes:
        by_class: Of each class, files that it is in.
        others: Files of the whole dataset.
    """

    by_class: Mapping[str, Sequence[ManifestRow]]
    others: Sequence[ManifestRow]


class _Label(msgspec.Struct, gc=False):
    label: str


class _Row(msgspec.Struct, gc=False):
    id: str
    path: str | None = None
    parent: str | None = None
    annotations: list[_Label] | None = None


class _Least:
    """Keeps the places of the few rows whose digests are the least: as if drawn by lot, and every time the same.

    Frames of one video look alike, so of each only one is kept, as long as there are enough others.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._apart: dict[int, tuple[int, int]] = {}
        self._any: list[tuple[int, int]] = []  # negative, so that the largest is the first
        self._bounds: tuple[float, float] = (math.inf, math.inf)

    def offer(self, own: int, group: int, place: int) -> None:
        """Takes a row into account.

        Args:
            own: The digest of its id.
            group: The digest of what it looks like: of its video's id, or its own.
            place: Where it stands in the file.
        """
        if group > self._bounds[0] and own > self._bounds[1]:
            return  # as most rows do
        self._apart[group] = min((own, place), self._apart.get(group, (own, place)))
        if len(self._apart) > self._most:
            del self._apart[max(self._apart)]
        heapq.heappush(self._any, (-own, -place))
        if len(self._any) > self._most:
            heapq.heappop(self._any)
        if len(self._apart) == self._most == len(self._any):
            self._bounds = (max(self._apart), -self._any[0][0])

    def places(self) -> list[int]:
        apart = [place for _, (_, place) in sorted(self._apart.items())]
        more = [-place for _, place in sorted(self._any, reverse=True) if -place not in apart]
        return (apart + more)[: self._most]


def rarest(classes: Mapping[str, Mapping[str, int]], most: int) -> list[str]:
    """Returns the names of the classes with the fewest labels, those first.

    Args:
        classes: Labels by class and split.
        most: How many names.
    """
    return heapq.nsmallest(most, classes, key=lambda name: (sum(classes[name].values()), name))


def pick(manifest: Path, classes: Iterable[str], of_each: int, others: int) -> Picks:
    """Picks rows of files.

    Args:
        manifest: The manifest.
        classes: Classes of which to pick.
        of_each: How many rows of each of these.
        others: How many rows of all.
    """
    by_class = {name: _Least(of_each) for name in classes}
    every = _Least(others)
    decoder = msgspec.json.Decoder(_Row)
    with manifest.open("rb") as file:
        place = 0
        for line in file:
            row = decoder.decode(line)
            if row.path is not None:
                own = zlib.crc32(row.id.encode())
                group = zlib.crc32(row.parent.encode()) if row.parent else own
                every.offer(own, group, place)
                for name in {label.label for label in row.annotations or ()} & by_class.keys():
                    by_class[name].offer(own, group, place)
            place += len(line)
        found = {name: _rows(file, least) for name, least in by_class.items()}
        return Picks({name: rows for name, rows in found.items() if rows}, _rows(file, every))


def _rows(file: BinaryIO, least: _Least) -> list[ManifestRow]:
    rows = []
    for place in least.places():
        file.seek(place)
        rows.append(decode(file.readline(), ManifestRow, "the manifest, byte", place))
    return rows
