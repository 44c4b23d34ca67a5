"""Seals: how it shows that what was written down is not what is read back.

A byte that flipped inside of a text makes a line that can be read, and is wrong. So each line of a ledger, and each
small file that steps go by, begins with a CRC-32 of the rest; and what a batch hands over is sealed as a whole, by a
file of its own. This finds what disks, memory and power cuts do, and nobody who means to deceive.

    {"crc":"1c291ca3","key":…}

Lines that begin otherwise were written before there were seals, and are believed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, TypeVar, overload

from rushes.errors import LedgerError
from rushes.jsonl import atomic_write, decode, encode

__all__ = ["Sealing", "is_whole", "load", "save", "seal", "sealed", "whole_lines"]

T = TypeVar("T")

_PREFIX = b'{"crc":"'
_START = len(_PREFIX) + 8 + len(b'",')
_CHUNK_BYTES = 2**20


def seal(record: Any) -> bytes:
    """Returns a record as one line of JSON, without its newline, that carries its seal; it has one field at least."""
    body = encode(record)[1:]
    return b'{"crc":"%08x",%b' % (zlib.crc32(body), body)


def sealed(line: bytes) -> bool:
    """Tells whether a line, its newline taken off, is what was written: its seal fits, or it never had one."""
    fits = line[len(_PREFIX) : _START] == b'%08x",' % zlib.crc32(line[_START:])
    return fits if line.startswith(_PREFIX) else line.startswith(b"{") and not fits


def save(path: Path, record: Any) -> None:
    """Writes a record as a sealed file, atomically."""
    with atomic_write(path) as file:
        file.write(seal(record))


@overload
def load(path: Path, kind: type[T]) -> T: ...


@overload
def load(path: Path, kind: Any) -> Any: ...


def load(path: Path, kind: Any) -> Any:
    """Returns the record of a sealed file.

    Raises:
        LedgerError: It is damaged.
    """
    content = path.read_bytes()
    if not sealed(content):
        raise LedgerError(
            f"{path}: damaged: its seal does not fit, or it is no record at all ({len(content)} bytes). "
            "Remove the file and run again."
        )
    return decode(content, kind, str(path))


def whole_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yields each whole line of sealed lines with the byte that it begins at; None for one that is damaged.

    What a crash cut off at the end is no line.
    """
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line if sealed(line[:-1]) else None
            offset += len(line)


class Sealing:
    """A file that is sealed as a whole while it is written.

    Args:
        file: The file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._crc = self._size_bytes = 0

    @property
    def state(self) -> tuple[int, int]:
        """Length and CRC-32 of what was written so far."""
        return self._size_bytes, self._crc

    def writelines(self, lines: Iterable[bytes]) -> None:
        """Writes lines, which bring their newlines."""
        for line in lines:
            self._crc = zlib.crc32(line, self._crc)
            self._size_bytes += self._file.write(line)


def is_whole(path: Path, state: tuple[int, int]) -> bool:
    """Tells whether a file is still what was written."""
    size_bytes, crc = state
    try:
        if path.stat().st_size != size_bytes:
            return False
        found = 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                found = zlib.crc32(chunk, found)
    except FileNotFoundError:
        return False
    return found == crc
