"""Where a dataset comes from: its items by host or folder, and by what their rows say of their license."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rushes.records import ManifestRow

__all__ = ["Licenses", "Sources", "license_of", "origin_of"]

_MOST = 2000
_OTHER = "other"
_UNSAID = "not said"
_NAMES = ("license", "licence")
_STATUSES = ("ok", "failed", "skipped", "quarantined")
_END_OF_HOST = re.compile(r"[/?#]")


class Sources:
    """Counts items and bytes by where they come from; after the first two thousand places, the others are one."""

    def __init__(self) -> None:
        self._places: dict[str, Counter[str]] = {}

    def add(self, row: ManifestRow) -> None:
        """Counts a row: an item by its status, and a file of the dataset by its bytes."""
        place = origin_of(row.source)
        counts = self._places.get(place)
        if counts is None:
            place = place if len(self._places) < _MOST else _OTHER
            counts = self._places.setdefault(place, Counter())
        if row.frame is None:
            counts[row.status] += 1
        if row.path is not None:
            counts["bytes"] += row.size_bytes or 0

    def result(self) -> dict[str, dict[str, int]]:
        """Returns items by status, and bytes in the dataset, of each place."""
        return {
            place: {key: counts[key] for key in (*_STATUSES, "bytes")} for place, counts in sorted(self._places.items())
        }


class Licenses:
    """Counts items that ended ok by their attribute `license` or `licence`, which may be written in capitals."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, row: ManifestRow) -> None:
        """Counts an item."""
        text = license_of(row.attributes) or _UNSAID
        self._counts[text if text in self._counts or len(self._counts) < _MOST else _OTHER] += 1

    def result(self) -> dict[str, int]:
        """Returns items by license; nothing where no row names one."""
        return {} if set(self._counts) <= {_UNSAID} else dict(sorted(self._counts.items()))


def origin_of(source: str) -> str:
    """Returns the scheme and the host of a URL; of a file of this machine, its folder."""
    scheme, separator, rest = source.partition("://")
    if separator and scheme != "file":
        return f"{scheme}://{_END_OF_HOST.split(rest, maxsplit=1)[0]}"
    return source.rpartition("/")[0] or "."


def license_of(attributes: Mapping[str, Any]) -> str:
    """Returns what an item's row says of its license, by either spelling and in any case; nothing where it does not."""
    names = (*_NAMES, *(name for name in attributes if name.lower() in _NAMES))
    return next((str(attributes[name]).strip() for name in names if attributes.get(name) is not None), "")
