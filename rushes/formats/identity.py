"""Ids for items of formats that know files only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Identities", "is_there", "leads_somewhere", "stem"]


def is_there(path: Path) -> bool:
    """Says whether a file is there; one whose name is too long for the file system is not."""
    try:
        return path.is_file()
    except OSError:
        return False


def leads_somewhere(path: Path) -> bool:
    """Says whether there is a file or a folder; one whose name is too long for the file system is not there."""
    try:
        return path.exists()
    except OSError:
        return False


def stem(path: str) -> str:
    """Returns a path with slashes without the suffix of its last part."""
    folder, slash, name = path.rpartition("/")
    return folder + slash + (name.rpartition(".")[0] or name)


class Identities:
    """Ids as short as they can be: `a` for `images/train/a.jpg`, and the whole path where there is another `a`.

    Args:
        short: The short ids of all items.
    """

    def __init__(self, short: Iterable[str]) -> None:
        self._counts = Counter(short)
        self._taken: set[str] = set()

    def take(self, short: str, path: str) -> str | None:
        """Returns the id of an item; None where it was taken before, because the same file is an item twice."""
        if self._counts[short] == 1:
            return short
        if path in self._taken:
            return None
        self._taken.add(path)
        return path
