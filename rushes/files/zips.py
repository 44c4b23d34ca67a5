"""Zip archives, opened and checked: nothing is read of one that is over a limit or could do harm."""

from __future__ import annotations

import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO

from rushes.compression import is_damage
from rushes.errors import ArchiveError
from rushes.files.limits import RATIO_FROM_BYTES, Limits, Meter, Names, shown
from rushes.transfer.part import CHUNK_BYTES

__all__ = ["opened_zip", "zip_chunks"]

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,  # also of names that are no text, and of places before the beginning
    OverflowError,
)
_ENTRY = b"PK\x01\x02"
_ENTRY_BYTES = 256  # of the directory; a name of 100 characters takes 170
_HEADER_BYTES = 30  # before the name of each file


@contextmanager
def opened_zip(path: Path, where: str, limits: Limits) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """Opens a zip archive and gives its entries, after all of them were checked.

    Args:
        path: The archive.
        where: What messages call it.
        limits: What it may come to, by what it states; who reads it counts again.

    Raises:
        ArchiveError: The archive is damaged, encrypted, over a limit, or holds a link, a device, a duplicate, entries
            that overlap, or a name that leads out of a folder.
        OSError: It cannot be read.
    """
    with _telling(where), path.open("rb") as file, _opened(_Directory(file, where, limits)) as packed:
        entries = packed.infolist()
        _check(packed, entries, where, path.stat().st_size, limits)
        yield packed, entries


def zip_chunks(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str, meter: Meter) -> Iterator[bytes]:
    """Yields the content of an entry, counted.

    Raises:
        ArchiveError: It is damaged, or over a limit.
        OSError: It cannot be read.
    """
    size_bytes = 0
    with _telling(where), packed.open(entry) as file:
        while chunk := file.read(CHUNK_BYTES):
            meter.add(len(chunk))
            size_bytes += len(chunk)
            yield chunk
    if size_bytes != entry.file_size:
        raise ArchiveError(f"{where}: entry {shown(entry.orig_filename)} is {size_bytes} bytes, not {entry.file_size}.")


@contextmanager
def _telling(where: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ArchiveError(f"{where}: not a zip archive that can be unpacked: {error}.") from None
    except OSError as error:
        if not is_damage(error):
            raise
        raise ArchiveError(f"{where}: not a zip archive that can be unpacked: {error}.") from None


class _Directory:
    """A zip file whose directory is read within limits: it is read at once, and its length is the file's own word."""

    def __init__(self, file: IO[bytes], where: str, limits: Limits) -> None:
        self._file = file
        self._where, self._max_files = where, limits.max_files
        self._max_bytes = 2**20 + _ENTRY_BYTES * limits.max_files
        self.known = False
        """Whether the directory was read: then files are, a chunk at a time."""
        self.seek, self.tell, self.seekable, self.close = file.seek, file.tell, file.seekable, file.close

    def read(self, size: int = -1) -> bytes:
        if self.known:
            return self._file.read(size)
        found = self._file.read(min(size, self._max_bytes + 1) if size >= 0 else self._max_bytes + 1)
        entries = found.count(_ENTRY)
        if len(found) > self._max_bytes or entries > self._max_files:
            raise ArchiveError(
                f"{self._where}: {entries} entries or more, and at most {self._max_files} are unpacked (max_files)."
            )
        return found


@contextmanager
def _opened(directory: _Directory) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(directory) as packed:
        directory.known = True
        yield packed


def _check(
    packed: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo], where: str, packed_bytes: int, limits: Limits
) -> None:
    meter, names = Meter(where, packed_bytes, limits), Names()
    meter.count(len(entries))
    meter.add(sum(entry.file_size for entry in entries))
    for entry in entries:
        fault = _fault(entry, limits.max_ratio) or names.fault(entry.orig_filename)
        if fault:
            raise ArchiveError(f"{where}: entry {shown(entry.orig_filename)} {fault}; nothing was unpacked.")
    starts = sorted((entry.header_offset, entry.compress_size) for entry in entries)
    for (start, size_bytes), (next_start, _) in pairwise([*starts, (packed.start_dir, 0)]):
        if start < 0 or start + _HEADER_BYTES + size_bytes > next_start:
            raise ArchiveError(f"{where}: entries overlap, as those of a bomb do; nothing was unpacked.")


def _fault(entry: zipfile.ZipInfo, max_ratio: float) -> str | None:
    """Says what is wrong with an entry but for its name, if anything."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    large = entry.file_size > RATIO_FROM_BYTES
    faults = {
        "has no name": not PurePosixPath(entry.filename).parts and not entry.filename.endswith("/"),
        "is a link or a device": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        "is encrypted": bool(entry.flag_bits & 0x1),
        f"unpacks to more than {max_ratio:g} times its size": large
        and entry.file_size > max_ratio * max(entry.compress_size, 1),
    }
    return next((fault for fault, found in faults.items() if found), None)
