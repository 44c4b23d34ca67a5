"""Part files: what arrives, written and hashed in one pass, and gone again unless all of it arrived."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rushes.errors import DiskFullError, StorageError, TooLargeError

__all__ = ["CHUNK_BYTES", "save", "storage_error"]

CHUNK_BYTES = 1 << 20
"""What is read or written at a time; larger pieces cost memory and gain nothing."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def save(
    chunks: Iterable[bytes], part: Path, algorithms: Iterable[str], max_bytes: int, what: str
) -> tuple[int, dict[str, str]]:
    """Writes chunks to a part file.

    Args:
        chunks: The content; what they raise passes through.
        part: The file, which a failure removes.
        algorithms: Of the digests that are wanted, as in `hashlib`.
        max_bytes: More is an error.
        what: Where the content comes from, for messages.

    Returns:
        Its length in bytes, and its hex digest by algorithm.

    Raises:
        TooLargeError: There is more than `max_bytes`.
        DiskFullError: There is no space for it.
        StorageError: It cannot be written for another reason.
    """
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    size_bytes = 0
    with _opened(part) as file:
        for chunk in chunks:
            size_bytes += len(chunk)
            if size_bytes > max_bytes:
                raise TooLargeError(
                    f"{what}: more than {max_bytes} bytes, which is download.max_bytes. "
                    "Raise the limit if the item is meant."
                )
            for digest in hashes.values():
                digest.update(chunk)
            file.write(chunk)
    return size_bytes, {name: digest.hexdigest() for name, digest in hashes.items()}


@contextmanager
def _opened(part: Path) -> Iterator[IO[bytes]]:
    whole = False
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb", buffering=CHUNK_BYTES) as file:
            yield file
        whole = True
    except OSError as error:
        raise storage_error(error, part) from None
    finally:
        if not whole:
            with suppress(OSError):  # the first failure is the one to tell
                part.unlink()


def storage_error(error: OSError, path: Path) -> StorageError:
    """Returns what to raise for a file that could not be written."""
    text = f"{path}: cannot be written: {error.strerror or error}."
    if error.errno in _FULL:
        return DiskFullError(f"{text} Free some space, or use another workspace.")
    return StorageError(f"{text} Check the folder and its permissions.")
