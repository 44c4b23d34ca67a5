"""What buckets do file by file, because they have no folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from rushes.storage.base import Storage

__all__ = ["Bucket", "replace_files"]

_AT_A_TIME = 8


class Bucket(Storage, Protocol):
    """A storage whose server copies files."""

    def copy(self, old: str, new: str) -> None:
        """Gives a file a second name; the bytes stay with the server."""


def replace_files(bucket: Bucket, old: str, new: str, last: str) -> None:
    """Puts a folder in the place of another one; see `Storage.replace`.

    The old folder stays whole until the new one is: then its file `last` goes first, so that whoever finds that file
    there knows that all others are there, too.
    """
    names = {entry.name.removeprefix(f"{old}/") for entry in bucket.list(old)}
    stale = {entry.name for entry in bucket.list(new)} - {f"{new}/{name}" for name in names}
    others = sorted(names - {last})
    _each(lambda name: bucket.copy(f"{old}/{name}", f"{new}/{name}"), others)
    _each(bucket.delete, sorted(stale))
    if last in names:
        bucket.move(f"{old}/{last}", f"{new}/{last}")
    _each(lambda name: bucket.delete(f"{old}/{name}"), others)


def _each(action: Callable[[str], None], names: Iterable[str]) -> None:
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(action, names))
