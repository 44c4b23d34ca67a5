"""Part files: what arrives, written and hashed in one pass, and gone again unless it arrived or can be gone on with."""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rushes.errors import DiskFullError, StorageError, TooLargeError
from rushes.transfer.resume import discard, note_path

__all__ = ["CHUNK_BYTES", "SPARE_BYTES", "check_space", "save", "storage_error"]

CHUNK_BYTES = 1 << 20
"""What is read or written at a time; larger pieces cost memory and gain nothing."""

_BUFFER_BYTES = 64 << 10  # gathers what comes in small pieces; larger ones are written as they are

SPARE_BYTES = 64 << 20
"""What a transfer leaves free on its disk: the ledgers and whatever else runs here need some, too."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def save(
    chunks: Iterable[bytes], part: Path, algorithms: Iterable[str], max_bytes: int, what: str, start_bytes: int = 0
) -> tuple[int, dict[str, str]]:
    """Writes chunks to a part file.

    Args:
        chunks: The content; what they raise passes through.
        part: The file, which a failure removes; where a note stands beside it, only one of the disk does.
        algorithms: Of the digests that are wanted, as in `hashlib`.
        max_bytes: More is an error.
        what: Where the content comes from, for messages.
        start_bytes: How much of the file is there already, and is hashed first.

    Returns:
        The length of all of it in bytes, and its hex digest by algorithm.

    Raises:
        TooLargeError: There is more than `max_bytes`.
        DiskFullError: There is no space for it.
        StorageError: It cannot be written for another reason.
    """
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    size_bytes = start_bytes
    with _opened(part, start_bytes) as file:
        if start_bytes:
            for chunk in _prefix(file, start_bytes):
                _update(hashes, chunk)
            file.truncate(start_bytes)
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise TooLargeError(
                    f"{what}: more than {max_bytes} bytes, which is download.max_bytes. "
                    "Raise the limit if the item is meant."
                )
            _update(hashes, chunk)
            file.write(chunk)
    return size_bytes, {name: digest.hexdigest() for name, digest in hashes.items()}


@contextmanager
def _opened(part: Path, start_bytes: int) -> Iterator[IO[bytes]]:
    whole = False
    try:
        with _open(part, "r+b" if start_bytes else "wb") as file:
            yield file
        whole = True
    except OSError as error:
        discard(part)
        raise storage_error(error, part) from None
    finally:
        if not whole and not note_path(part).exists():
            discard(part)


def _open(part: Path, mode: str) -> IO[bytes]:
    try:
        return part.open(mode, buffering=_BUFFER_BYTES)
    except FileNotFoundError:  # its folder, once in a workspace
        part.parent.mkdir(parents=True, exist_ok=True)
        return part.open(mode, buffering=_BUFFER_BYTES)


def _prefix(file: IO[bytes], length_bytes: int) -> Iterator[bytes]:
    """Reads what is there already, and leaves the file where the rest goes."""
    while length_bytes:
        chunk = file.read(min(CHUNK_BYTES, length_bytes))
        if not chunk:
            raise OSError(errno.EIO, "the part file became shorter")
        length_bytes -= len(chunk)
        yield chunk


def _update(hashes: Mapping[str, Any], chunk: bytes) -> None:
    for digest in hashes.values():
        digest.update(chunk)


def check_space(part: Path, needed_bytes: int, what: str) -> None:
    """Checks that a part file's disk has room for what is announced, with `SPARE_BYTES` to spare.

    What is no larger than a chunk is not worth the question: its write tells.

    Raises:
        DiskFullError: It has not; nothing is written.
        StorageError: The folder cannot be looked at.
    """
    if needed_bytes <= CHUNK_BYTES:
        return
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(part.parent).free
    except OSError as error:
        raise storage_error(error, part) from None
    if needed_bytes + SPARE_BYTES > free_bytes:
        raise DiskFullError(
            f"{what}: {needed_bytes} bytes are to come, and {part.parent} has {free_bytes} bytes free, of which "
            f"{SPARE_BYTES} stay so. Free some space, or use another workspace."
        )


def storage_error(error: OSError, path: Path) -> StorageError:
    """Returns what to raise for a file that could not be written."""
    text = f"{path}: cannot be written: {error.strerror or error}."
    if error.errno in _FULL:
        return DiskFullError(f"{text} Free some space, or use another workspace.")
    return StorageError(f"{text} Check the folder and its permissions.")
