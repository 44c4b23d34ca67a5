"""Items that lie on a disk: `file://` URLs, read with the same limits as transfers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rushes.errors import BadURLError, StorageError, TooLargeError
from rushes.transfer.part import CHUNK_BYTES

__all__ = ["is_local", "local_path", "path_from", "read_local", "validator"]


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


def validator(path: Path, max_bytes: int) -> str:
    """Returns what changes when the file does, in the form of an entity tag.

    Raises:
        BadURLError: There is no such file, or it is none.
        TooLargeError: It is larger than `max_bytes`.
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
    if found.st_size > max_bytes:
        raise TooLargeError(
            f"{path}: {found.st_size} bytes, and download.max_bytes is {max_bytes}. Raise the limit if it is meant."
        )
    return f'"{found.st_mtime_ns:x}-{found.st_size:x}"'


def read_local(path: Path) -> Iterator[bytes]:
    """Yields a file's content.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror or error}.") from None
