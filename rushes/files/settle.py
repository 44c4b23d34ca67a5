"""Moving what arrived to its place for good: many files for the price of a few waits for the disk.

A file lasts over a power cut once it is synced, and its name once its folder is. Each sync is a wait of its own, so
files are settled in groups: all synced, several at a time, then all renamed, then each folder synced once, however many
of them it got. The order holds for the group as it does for one file: no name stands in the store before its bytes are
on the disk, and `settle_all` returns when the names are. Whoever notes a file in a ledger does so after that.

One `syncfs` would be cheaper still, by a tenth of a millisecond a file. But it waits for whatever else is being written
to the disk, it tells of failed writes on new kernels only, and on FUSE it does nothing at all.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from rushes.jsonl import fsync_dir
from rushes.transfer.part import storage_error
from rushes.transfer.resume import forget

__all__ = ["settle", "settle_all"]

_SYNCS = 8  # at a time; more do not make a local disk faster

T = TypeVar("T")


def settle(part: Path, target: Path) -> None:
    """Moves a part file to its place; where the same content stands already, it is removed.

    Raises:
        StorageError: It cannot be moved.
    """
    error = settle_all([(part, target)])[0]
    if error is not None:
        raise storage_error(error, target)


def settle_all(moves: Sequence[tuple[Path, Path]]) -> list[OSError | None]:
    """Moves part files to their places; where the same content stands already, the part is removed.

    Args:
        moves: Each part file with its target, whose name says what its content is.

    Returns:
        Why each of them could not be moved, or None where it is in its place for good.
    """
    if not moves:
        return []
    with ThreadPoolExecutor(min(_SYNCS, len(moves))) as pool:
        synced = _each(pool, _sync, [part for part, _ in moves])
        moved = [_tried(_move, *move, size) for move, size in zip(moves, synced, strict=True)]
        folders = _with_parents(folder for folder in moved if isinstance(folder, Path))
        failures = dict(zip(folders, _each(pool, fsync_dir, folders), strict=True))
    return [_failure(folder, failures) for folder in moved]


def _each(pool: ThreadPoolExecutor, action: Callable[[Path], T], paths: Sequence[Path]) -> list[T | OSError]:
    """Does it to all paths, each thread to its share of them: to hand them out one by one takes longer than to sync."""
    shares = [paths[start::_SYNCS] for start in range(min(_SYNCS, len(paths)))]
    done = pool.map(lambda share: [_tried(action, path) for path in share], shares)
    results = dict(zip((path for share in shares for path in share), itertools.chain.from_iterable(done), strict=True))
    return [results[path] for path in paths]


def _tried(action: Callable[..., T], *arguments: Any) -> T | OSError:
    try:
        return action(*arguments)
    except OSError as error:
        return error


def _sync(part: Path) -> int | None:
    """Returns the length of the synced file; None where it is not there: moved by an earlier try, or gone."""
    try:
        handle = os.open(part, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        os.fsync(handle)
        return os.fstat(handle).st_size
    finally:
        os.close(handle)


def _move(part: Path, target: Path, size_bytes: int | OSError | None) -> Path:
    """Moves a file whose sync gave this length, or failed, and returns the folder that it stands in."""
    if isinstance(size_bytes, OSError):
        raise size_bytes
    folder, there = target.parent, _size(target)
    if size_bytes is not None and size_bytes == there:
        part.unlink()
    elif size_bytes is not None or there is None:  # also over a file that was cut short since it was stored
        try:
            part.replace(target)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            part.replace(target)
    forget(part)
    return folder


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _with_parents(folders: Iterable[Path]) -> list[Path]:
    """Returns the folders that got files, and those that these folders may be new in."""
    got = set(folders)
    return list(got | {folder.parent for folder in got})


def _failure(folder: Path | OSError, failures: Mapping[Path, OSError | None]) -> OSError | None:
    return folder if isinstance(folder, OSError) else failures[folder] or failures[folder.parent]
