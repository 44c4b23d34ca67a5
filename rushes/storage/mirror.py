"""A folder of this machine that stands for one in a storage, for as long as a step works there.

A step asks for what it needs, works on files as it would anywhere, and what it changed is uploaded when it ends well:
new files, files with other content, and that files are gone. A step that breaks uploads nothing, so that the next try
finds what this one found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rushes.errors import BadURLError
from rushes.jsonl import storing
from rushes.storage.base import Storage

__all__ = ["Mirror"]

_AT_A_TIME = 8


class _State(NamedTuple):
    """What tells whether a file is still the one that was there."""

    inode: int
    modified_ns: int
    size_bytes: int


class Mirror:
    """What a step needs of a storage, and what it makes.

    Args:
        storage: The folder that is mirrored.
        root: The folder of this machine; empty.
        order: In which order files go up, smaller numbers first: what says that others are there goes last.
    """

    def __init__(self, storage: Storage, root: Path, order: Callable[[str], int]) -> None:
        self.storage = storage
        self.root = root
        self._order = order
        self._pulled: dict[str, _State] = {}
        self._listed: dict[str, dict[str, int]] = {}

    def need(self, names: Iterable[str]) -> None:
        """Has these files here, those of them that there are."""
        missing = [name for name in names if name not in self._pulled and not (self.root / name).exists()]
        if len(missing) == 1:
            self._pull(missing[0])
        elif missing:
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                list(pool.map(self._pull, missing))

    def need_all(self, folder: str) -> None:
        """Has all files below a folder here."""
        self.need([entry.name for entry in self.storage.list(folder)])

    def size(self, name: str) -> int | None:
        """Returns a file's length in bytes, here or in the storage; None where there is none.

        The storage is asked once for all that lies in the same uppermost folder.
        """
        if (found := _state(self.root / name)) or name in self._pulled:
            return found.size_bytes if found else None
        top = name.partition("/")[0]
        if top not in self._listed:
            self._listed[top] = {entry.name: entry.size_bytes for entry in self.storage.list(top)}
        return self._listed[top].get(name)

    def clear(self, folder: str) -> None:
        """Removes all files below a folder from the storage."""
        for entry in list(self.storage.list(folder)):
            self.storage.delete(entry.name)

    def push(self) -> None:
        """Uploads what changed, and removes what is gone when all that is up.

        A push that is cut short has taken nothing away that the next try needs.
        """
        found = {path.relative_to(self.root).as_posix(): state for path, state in self._files()}
        changed = [name for name, state in found.items() if self._pulled.get(name) != state]
        for _, names in groupby(sorted(changed, key=self._order), key=self._order):
            with ThreadPoolExecutor(_AT_A_TIME) as pool:
                list(pool.map(lambda name: self.storage.put(self.root / name, name), names))
        for name in self._pulled.keys() - found.keys():
            self.storage.delete(name)
        self._pulled = found

    def _pull(self, name: str) -> None:
        path = self.root / name
        try:
            with storing(path):
                self.storage.get(name, path)
        except BadURLError:  # there is none, which whoever opens it will say
            return
        if state := _state(path):
            self._pulled[name] = state

    def _files(self) -> Iterator[tuple[Path, _State]]:
        """Yields all files but those that are not finished: their names begin with a dot."""
        for path in sorted(self.root.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(self.root).parts)
            if not hidden and path.is_file() and (state := _state(path)):
                yield path, state


def _state(path: Path) -> _State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _State(found.st_ino, found.st_mtime_ns, found.st_size)
