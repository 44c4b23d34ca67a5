"""Items that lie on a disk: `file://` URLs, read with the same limits as transfers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from rushes.errors import BadURLError, StorageError, TooLargeError, TruncatedError
from rushes.transfer.inside import Inside
from rushes.transfer.part import CHUNK_BYTES

__all__ = ["is_local", "local_path", "path_from", "read_local", "state_of", "validator"]


def is_local(url: str) -> bool:
    """Tells whether a URL names a file on this machine."""
    return url[:5].lower() == "file:"


def local_path(url: str) -> Path:
    """Returns the path that a `file://` URL names.

    Raises:
        BadURLError: It names another host, or no absolute path.
    """
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise BadURLError(f"{url}: expected file:///absolute/path on this machine.")
    return Path(unquote(parts.path))


def path_from(text: str, folder: Path) -> Path:
    """Returns the path that a path, `file:name`, `file://folder/name` or `file:///path` names, counted from a folder.

    Raises:
        ValueError: It is no URL, though it begins like one.
    """
    if is_local(text):
        parts = urlsplit(text)
        text = unquote(parts.netloc + parts.path if parts.netloc != "localhost" else parts.path)
    return Path(os.path.normpath(folder / text))


def state_of(found: os.stat_result) -> str:
    """Returns what changes when a file does."""
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def validator(path: Path, max_bytes: int, inside: Inside | None = None) -> str:
    """Returns what changes when the file does, or the one inside it, in the form of an entity tag.

    Raises:
        BadURLError: There is no such file, or it is none; or it changed since somebody looked what is inside.
        TooLargeError: What is to be read is larger than `max_bytes`.
        StorageError: It cannot be looked at.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise BadURLError(
            f"{path}: no such file. Check the url column, and that every worker sees this path."
        ) from None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}.") from None
    if not stat.S_ISREG(found.st_mode):
        raise BadURLError(f"{path}: expected a file, and it is something else.")
    state, size_bytes = state_of(found), inside.size_bytes if inside else found.st_size
    if inside and inside.state != state:
        raise BadURLError(f"{path}: changed since it was planned what to take out of it. Run again.")
    if size_bytes > max_bytes:
        raise TooLargeError(
            f"{path}: {f'{inside.name}: ' if inside else ''}{size_bytes} bytes, and download.max_bytes is {max_bytes}. "
            "Raise the limit if it is meant."
        )
    return f'"{state}-{inside.offset:x}-{inside.size_bytes:x}"' if inside else f'"{state}"'


def read_local(path: Path, inside: Inside | None = None) -> Iterator[bytes]:
    """Yields the content of a file, or of the one inside it.

    Raises:
        StorageError: It cannot be read.
        TruncatedError: It ends before the one inside it does.
    """
    try:
        with path.open("rb", buffering=0) as file:
            yield from _part(file, inside, path) if inside else iter(lambda: file.read(CHUNK_BYTES), b"")
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}.") from None


def _part(file: IO[bytes], inside: Inside, path: Path) -> Iterator[bytes]:
    left = inside.size_bytes
    file.seek(inside.offset)
    while left:
        chunk = file.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise TruncatedError(f"{path}: ends {left} bytes before {inside.name} does. Run again.")
        left -= len(chunk)
        yield chunk
