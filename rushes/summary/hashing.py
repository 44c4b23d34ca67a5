"""Many files hashed at a time, at the speed of the disk: Python's lock is let go while a thread reads and hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rushes.storage import Storage

__all__ = ["Hashed", "files_of", "folders_of", "hash_all", "hash_file", "hash_stored", "threads"]

_AT_ONCE_BYTES = 2**20
_TOGETHER = 32  # small files that a thread takes at a time: to hand over each by itself would cost more than to hash it


class Hashed(NamedTuple):
    """What a file holds, or what is there in its place.

    Attributes:
        sha256: In hex; None where it could not be read.
        size_bytes: How many were read.
        instead: In words what is there that is no file.
        unreadable: Why it cannot be read.
    """

    sha256: str | None
    size_bytes: int = 0
    instead: str | None = None
    unreadable: str | None = None


def threads() -> int:
    """Returns how many threads are worth having: as many as there are cores, and some to wait for the disk."""
    return max(4, 2 * (os.cpu_count() or 1))


def files_of(dataset: Path) -> Iterator[str]:
    """Yields what is in a folder and no folder itself, at any depth, by its path there; links are not followed."""
    return (path for path, is_folder in _entries(dataset) if not is_folder)


def folders_of(dataset: Path) -> Iterator[str]:
    """Yields the folders in a folder, likewise."""
    return (path for path, is_folder in _entries(dataset) if is_folder)


def hash_all(
    paths: Sequence[str],
    hash_one: Callable[[str], Hashed],
    workers: int,
    report: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, Hashed]]:
    """Yields each path with what it holds, in their order.

    Args:
        paths: What to hash.
        hash_one: Does it.
        workers: Threads.
        report: Told how many of how many are done.
    """
    together = max(1, min(_TOGETHER, len(paths) // (4 * workers)))
    groups = [paths[start : start + together] for start in range(0, len(paths), together)]

    def some(group: Iterable[str]) -> list[tuple[str, Hashed]]:
        return [(path, hash_one(path)) for path in group]

    done = 0
    pool = ThreadPoolExecutor(workers)
    try:
        for found in pool.map(some, groups):
            yield from found
            done += len(found)
            if report:
                report(done, len(paths))
    finally:
        pool.shutdown(cancel_futures=True)


def hash_file(path: str) -> Hashed:
    """Hashes a file; a link is none, wherever it leads, and neither is what would never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _not_opened(path, error)
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            return Hashed(None, instead=_kind(found.st_mode))
        return _read(handle, found.st_size)
    except OSError as error:
        return Hashed(None, unreadable=error.strerror or str(error))
    finally:
        os.close(handle)


def hash_stored(storage: Storage, name: str) -> Hashed:
    """Hashes a file of a storage."""
    digest, size_bytes, body = hashlib.sha256(), 0, storage.open(name)
    for chunk in body.chunks if body else ():
        digest.update(chunk)
        size_bytes += len(chunk)
    return Hashed(digest.hexdigest(), size_bytes)


def _read(handle: int, expected_bytes: int) -> Hashed:
    # One read of a small file brings it whole, and one byte more would say that it grew.
    chunk = os.read(handle, min(expected_bytes, _AT_ONCE_BYTES) + 1)
    digest, size_bytes = hashlib.sha256(chunk), len(chunk)
    while size_bytes != expected_bytes and (chunk := os.read(handle, _AT_ONCE_BYTES)):
        digest.update(chunk)
        size_bytes += len(chunk)
    return Hashed(digest.hexdigest(), size_bytes)


def _entries(dataset: Path) -> Iterator[tuple[str, bool]]:
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(dataset / below) as entries:
            for entry in entries:
                is_folder = entry.is_dir(follow_symlinks=False)
                if is_folder:
                    waiting.append(f"{below}{entry.name}/")
                yield f"{below}{entry.name}", is_folder


def _not_opened(path: str, error: OSError) -> Hashed:
    if error.errno in (errno.ELOOP, errno.ENXIO):  # said of a link, because of O_NOFOLLOW, and of a socket
        return Hashed(None, instead=_kind(os.lstat(path).st_mode))  # a Path for each file costs more
    return Hashed(None, unreadable=error.strerror or str(error))


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
