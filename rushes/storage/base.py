"""What every storage can do; names are POSIX paths below the folder that it was opened for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = ["Body", "Entry", "Storage"]


class Entry(NamedTuple):
    """A file of a storage.

    Attributes:
        name: Its path below the storage's folder.
        size_bytes: Its length.
        etag: What changes when the file does.
    """

    name: str
    size_bytes: int
    etag: str


class Body(NamedTuple):
    """A file's content, as it comes."""

    entry: Entry
    chunks: Iterator[bytes]


class Storage(Protocol):
    """A folder that lies elsewhere.

    A file appears whole under its name, or not at all. Every method but `close` raises `StorageError` where the storage
    does not answer or refuses, and may be called by several threads at a time.
    """

    url: str
    """Where the folder is, as it may be shown."""

    def put(self, path: Path, name: str) -> None:
        """Uploads a file, in parts where it is large; what is there under the name is replaced."""

    def write(self, name: str, data: bytes) -> None:
        """Writes a small file; what is there under the name is replaced."""

    def create(self, name: str, data: bytes) -> bool:
        """Writes a small file and returns True, or returns False where there is one already."""

    def get(self, name: str, path: Path) -> None:
        """Downloads a file that is there; the local one appears whole or not at all."""

    def read(self, name: str) -> bytes | None:
        """Returns the content of a small file, or None where there is none."""

    def open(self, name: str, known: str | None = None) -> Body | None:
        """Opens a file for reading, unless its entity tag is the known one, for which it returns None.

        Raises:
            BadURLError: There is no such file.
        """

    def list(self, folder: str = "") -> Iterator[Entry]:
        """Yields the files below a folder, in any order; none where there is no such folder."""

    def move(self, old: str, new: str) -> None:
        """Gives a file another name; what is there under the new one is replaced."""

    def replace(self, old: str, new: str, last: str) -> None:
        """Puts a folder in the place of another one, whose files go.

        Where that takes more than one step, the file `last` comes last; done again after it was cut short, it ends as
        if it had not been.
        """

    def delete(self, name: str) -> None:
        """Removes a file, where it is there."""

    def close(self) -> None:
        """Ends connections."""
