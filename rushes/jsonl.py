"""JSON lines and atomic files: the one way in which rushes writes anything down."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, overload

import msgspec

from rushes.errors import DiskFullError, LedgerError, StorageError

__all__ = [
    "atomic_write",
    "decode",
    "encode",
    "fsync_dir",
    "json_bytes",
    "publish",
    "read_lines",
    "storing",
    "write_lines",
]

T = TypeVar("T")
_encoder = msgspec.json.Encoder(order="deterministic")


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def encode(record: Any) -> bytes:
    """Returns one record as compact JSON: keys in a fixed order, no newline."""
    return _encoder.encode(record)


def json_bytes(value: Any) -> bytes:
    """Returns a value as indented JSON with a final newline, for files that people read."""
    return msgspec.json.format(_encoder.encode(value), indent=2) + b"\n"


@overload
def decode(line: bytes, kind: type[T], where: str, *place: object) -> T: ...


@overload
def decode(line: bytes, kind: Any, where: str, *place: object) -> Any: ...


def decode(line: bytes, kind: Any, where: str, *place: object) -> Any:
    """Returns the record that a line holds.

    Args:
        line: The record as JSON.
        kind: Its type.
        where: Which file it stands in.
        place: Where in this file; put together in an error only, for there are many lines.

    Raises:
        LedgerError: The line is no such record; it says where.
    """
    try:
        return _decoder(kind).decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(" ".join(map(str, (where, *place))), kind, error) from error


def _unreadable(where: str, kind: Any, error: Exception) -> LedgerError:
    return LedgerError(f"{where}: cannot be read back as {kind!r}: {error}. Remove the file and run again.")


@overload
def read_lines(path: Path, kind: type[T], offset: int = 0, count: int | None = None) -> Iterator[T]: ...


@overload
def read_lines(path: Path, kind: Any, offset: int = 0, count: int | None = None) -> Iterator[Any]: ...


def read_lines(path: Path, kind: Any, offset: int = 0, count: int | None = None) -> Iterator[Any]:
    """Yields the records of a JSON lines file, from a byte offset, at most `count` of them."""
    decoder = _decoder(kind)
    with path.open("rb") as file:
        file.seek(offset)
        for number, line in enumerate(file):
            if number == count:
                return
            try:
                record = decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _unreadable(f"{path.name}, from byte {offset} line {number + 1}", kind, error) from error
            yield record


def write_lines(path: Path, records: Iterable[Any], mode: int = 0o644) -> int:
    """Writes records as JSON lines, atomically, and returns how many."""
    number = 0
    with atomic_write(path, mode) as file:
        for record in records:
            file.write(_encoder.encode(record) + b"\n")
            number += 1
    return number


@contextmanager
def atomic_write(path: Path, mode: int = 0o644) -> Iterator[IO[bytes]]:
    """Opens a file beside the target that takes the target's place, fsynced, when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not the process's id: threads share it, and so do processes on two nodes.
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        part.touch(mode)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        fsync_dir(path.parent)
    finally:
        part.unlink(missing_ok=True)


def publish(part: Path, target: Path) -> None:
    """Moves a finished part file to its place: fsync, rename, fsync of the folder."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    part.replace(target)
    fsync_dir(target.parent)


def fsync_dir(folder: Path) -> None:
    """Makes a rename inside `folder` last over a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def storing(target: Path) -> Iterator[None]:
    """Says in words why a file could not be written.

    Raises:
        DiskFullError: No space is left for it.
        StorageError: The system refused it for another reason.
    """
    try:
        yield
    except OSError as error:
        text = f"{target.name}: cannot be written: {error.strerror or error}."
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f"{text} Free some space, and run again.") from error
        raise StorageError(f"{text} Check the folder and its permissions.") from error
