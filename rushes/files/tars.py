"""Tar archives, read forward once: files as they come, counted, and checked before their first byte.

The rules are those of the `data` filter of Python's `tarfile`, but an archive that breaks one of them is refused whole.
A link that stays inside is left out: what it leads to is a file of its own.
"""

from __future__ import annotations

import posixpath
import re
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from rushes.compression import DAMAGED_STREAM, OPENERS, is_damage
from rushes.errors import ArchiveError
from rushes.files.limits import Limits, Meter, Names, shown
from rushes.transfer.part import CHUNK_BYTES

__all__ = ["Content", "read_tar"]

_HEADER_BYTES = 256 * 1024  # of one entry, with its long name and its extended attributes
_DAMAGED = (tarfile.TarError, ValueError, ArithmeticError, LookupError, RecursionError, struct.error)
"""What `tarfile` raises on damaged headers depends on the damage."""
# Python before 3.11.10 and 3.12.6 goes through a run of digits once for each digit of it (CVE-2024-6232).
_DIGITS = re.compile(rb"[0-9]{1024}")


class Content:
    """What a file in a tar archive holds: chunks, to be read before the next file is asked for, or not at all.

    Attributes:
        offset: Of its first byte in the archive, unpacked.
        size_bytes: Its length.
    """

    def __init__(self, stream: _Stream, offset: int, size_bytes: int) -> None:
        self._stream, self.offset, self.size_bytes = stream, offset, size_bytes

    def __iter__(self) -> Iterator[bytes]:
        return self._stream.chunks(self.offset, self.size_bytes)


def read_tar(path: Path, where: str, limits: Limits) -> Iterator[tuple[str, Content | None]]:
    """Yields the names of the files in a tar archive, with their content, to be read before the next is asked for.

    A link has no content. What nobody reads of an archive that is not compressed is passed over. Only when the last
    was yielded is all of the archive known to be good.

    Args:
        path: The archive; its name ends with the suffix that its content asks for.
        where: What messages call it.
        limits: What it may come to, counted while it is read.

    Raises:
        ArchiveError: The archive is damaged or cut off, over a limit, or holds a device, a duplicate, or a name or a
            link that leads out of a folder.
        OSError: It cannot be read.
    """
    size_bytes = path.stat().st_size
    meter, names = Meter(where, size_bytes, limits), Names()
    packed = path.suffix in OPENERS
    with OPENERS.get(path.suffix, _plain)(path) as file:
        stream = _Stream(file, where, meter, None if packed else size_bytes)
        for entry in _entries(stream, where):
            meter.count()
            if fault := _fault(entry) or names.fault(entry.name, once=not entry.isdir()):
                raise ArchiveError(f"{where}: entry {shown(entry.name)} {fault}; nothing was unpacked.")
            if not entry.isdir():
                yield entry.name, Content(stream, entry.offset_data, entry.size) if entry.isreg() else None
        stream.drain()


def _plain(path: Path) -> IO[bytes]:
    return path.open("rb")


def _entries(stream: _Stream, where: str) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.TarFile(fileobj=stream, encoding="utf-8", errors="surrogateescape") as tar:  # type: ignore[arg-type]
            while (entry := tar.next()) is not None:
                yield entry
                # What tarfile keeps of all entries would grow with them; headers for all of them say nothing we need.
                tar.members.clear()  # type: ignore[attr-defined]  # there since Python 2.3, and left out of its types
                tar.pax_headers = {}
                stream.begin_header()
    except _DAMAGED as error:
        raise ArchiveError(f"{where}: not a tar archive that can be unpacked: {error}.") from None
    if stream.last != bytes(tarfile.BLOCKSIZE):
        raise ArchiveError(f"{where}: not a tar archive that can be unpacked: damaged, or cut off before its end mark.")


def _fault(entry: tarfile.TarInfo) -> str | None:
    """Says what is wrong with an entry but for its name, if anything."""
    link = entry.issym() or entry.islnk()
    faults = {
        "has no name": not PurePosixPath(entry.name).parts and not entry.isdir(),
        "is a device": not (entry.isreg() or entry.isdir() or link),
        "is a link that leads out of the folder": link and _leads_out(entry),
        "is a sparse file": entry.issparse(),
        "has a length below zero": entry.size < 0,
    }
    return next((fault for fault, found in faults.items() if found), None)


def _leads_out(entry: tarfile.TarInfo) -> bool:
    """Tells where a link leads by its text: no link is ever made, so none can change what another one means."""
    base = posixpath.dirname(entry.name) if entry.issym() else ""
    target = posixpath.normpath(posixpath.join(base, entry.linkname))
    return target.startswith("/") or target.partition("/")[0] == ".."


class _Stream:
    """A file for `tarfile` that is read forward only, and gives it no more of a header than an honest one has.

    Args:
        file: The tar, unpacked while it is read.
        where: What messages call it.
        meter: Counts all that is read or passed over.
        size_bytes: Of the file, where it can be passed over without being read.
    """

    def __init__(self, file: IO[bytes], where: str, meter: Meter, size_bytes: int | None) -> None:
        self._file, self._where, self._meter, self._size_bytes = file, where, meter, size_bytes
        self._place = self._header_bytes = 0
        self.last = b""
        """The block that was read last as a header."""

    def begin_header(self) -> None:
        """Says that what is read from now on is the header of the next entry."""
        self._header_bytes = 0

    def read(self, size: int) -> bytes:
        """Reads a part of a header."""
        self._header_bytes += size
        if not 0 <= size <= self._header_bytes <= _HEADER_BYTES:
            raise ArchiveError(f"{self._where}: a header of {self._header_bytes} bytes, which no archive has.")
        self.last = self._take(size)
        if size > tarfile.BLOCKSIZE and _DIGITS.search(self.last):
            raise ArchiveError(f"{self._where}: a header with a number of a thousand digits, which no archive has.")
        return self.last

    def tell(self) -> int:
        """Returns the place."""
        return self._place

    def seek(self, place: int) -> None:
        """Goes forward, to the end at most."""
        if place < self._place:
            raise ArchiveError(f"{self._where}: an entry that points back to an earlier one.")
        if self._size_bytes is not None:
            self._pass_to(min(place, self._size_bytes))
        while self._place < place and self._take(min(CHUNK_BYTES, place - self._place)):
            pass

    def _pass_to(self, place: int) -> None:
        if place > self._place:
            self._meter.add(place - self._place)
            self._place = self._file.seek(place)

    def chunks(self, place: int, size_bytes: int) -> Iterator[bytes]:
        """Yields the content of an entry."""
        self.seek(place)
        while left := place + size_bytes - self._place:
            chunk = self._take(min(CHUNK_BYTES, left))
            if not chunk:
                raise ArchiveError(f"{self._where}: cut off in the middle of a file. Fetch it anew.")
            yield chunk

    def drain(self) -> None:
        """Reads what follows the end mark: there a compressed stream says whether all of it was good."""
        while self._take(CHUNK_BYTES):
            pass

    def _take(self, size: int) -> bytes:
        try:
            found = self._file.read(size)
        except DAMAGED_STREAM as error:
            if not is_damage(error):
                raise
            raise ArchiveError(f"{self._where}: damaged: {error}. Fetch it anew.") from None
        self._place += len(found)
        self._meter.add(len(found))
        return found
