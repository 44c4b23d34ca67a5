"""Zip archives: folders into them, and out of them without surprises."""

from __future__ import annotations

import shutil
import stat
import struct
import uuid
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from rushes.errors import ArchiveError
from rushes.files.part import CHUNK_BYTES
from rushes.jsonl import publish

__all__ = ["archive", "unarchive"]

# A single deflate stream reaches 1032 : 1; small files compress well without harm.
_RATIO_FROM_BYTES = 10 * 2**20
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, RuntimeError, UnicodeError)


def archive(input_path: str | Path, output_path: str | Path, append: bool = False) -> None:
    """Packs a file, or a folder under its own name, into a zip archive, in sorted order.

    Links are left out: they would bring in what lies outside the folder.

    Args:
        input_path: File or folder.
        output_path: The archive; replaced when all of it is written.
        append: Add to an archive that exists.

    Raises:
        FileNotFoundError: There is no such file or folder.
        OSError: Something cannot be read or written.
    """
    source, target = Path(input_path), Path(output_path)
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder to archive.")
    with _replacing(target) as part:
        if append and target.exists():
            shutil.copyfile(target, part)
        with zipfile.ZipFile(part, "a" if append else "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as packed:
            for path in _files(source, without={target.absolute(), part.absolute()}):
                packed.write(path, path.relative_to(source.parent))


def unarchive(
    file_path: str | Path,
    output_path: str | Path,
    *,
    max_bytes: int = 100 * 2**30,
    max_files: int = 1_000_000,
    max_ratio: float = 200.0,
) -> None:
    """Unpacks a zip archive into a folder; everything is checked before the first file is written.

    Args:
        file_path: The archive.
        output_path: The folder; made where missing.
        max_bytes: Unpacked size of all files together, counted while unpacking, whatever the archive states.
        max_files: Number of entries.
        max_ratio: Unpacked to packed size of a file above 10 MiB.

    Raises:
        ArchiveError: The archive is damaged, encrypted, over a limit, or holds a link, a duplicate, or a name that
            leads out of the folder.
        OSError: The archive cannot be read, or the folder cannot be written.
    """
    target = Path(output_path)
    try:
        with zipfile.ZipFile(file_path) as packed:
            entries = packed.infolist()
            _check(entries, Path(file_path), max_bytes, max_files, max_ratio)
            target.mkdir(parents=True, exist_ok=True)
            for entry in entries:
                max_bytes -= _unpack(packed, entry, target, Path(file_path), max_bytes)
    except _DAMAGED as error:
        raise ArchiveError(f"{file_path}: not a zip archive that can be unpacked: {error}.") from None


def _files(source: Path, without: set[Path]) -> Iterable[Path]:
    found = [source] if source.is_file() else sorted(source.rglob("*"))
    return (path for path in found if path.is_file() and not path.is_symlink() and path.absolute() not in without)


@contextmanager
def _replacing(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{uuid.uuid4().hex}.part")  # a long name has no room for more
    try:
        yield part
        publish(part, target)
    finally:
        part.unlink(missing_ok=True)


def _check(entries: list[zipfile.ZipInfo], where: Path, max_bytes: int, max_files: int, max_ratio: float) -> None:
    if len(entries) > max_files:
        raise ArchiveError(f"{where}: {len(entries)} entries, and at most {max_files} are unpacked.")
    total_bytes = sum(entry.file_size for entry in entries)
    if total_bytes > max_bytes:
        raise ArchiveError(f"{where}: {total_bytes} bytes unpacked, and at most {max_bytes} are allowed.")
    seen: set[str] = set()
    for entry in entries:
        fault = _fault(entry, max_ratio) or ("stands in it twice" if entry.filename in seen else None)
        if fault:
            raise ArchiveError(f"{where}: entry {entry.filename!r} {fault}; nothing was unpacked.")
        seen.add(entry.filename)


def _fault(entry: zipfile.ZipInfo, max_ratio: float) -> str | None:
    """Says what is wrong with an entry, if anything."""
    name = PurePosixPath(entry.filename)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    large = entry.file_size > _RATIO_FROM_BYTES
    faults = {
        "leads out of the folder": name.is_absolute() or ".." in name.parts,
        "has no name": not name.parts and not entry.is_dir(),
        "is a link or a device": kind not in (0, stat.S_IFREG, stat.S_IFDIR),
        "is encrypted": bool(entry.flag_bits & 0x1),
        f"unpacks to more than {max_ratio:g} times its size": large
        and entry.file_size > max_ratio * max(entry.compress_size, 1),
    }
    return next((fault for fault, found in faults.items() if found), None)


def _unpack(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, where: Path, left_bytes: int) -> int:
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    with _replacing(target) as part, packed.open(entry) as source, part.open("wb") as file:
        return _pour(source, file, left_bytes, f"{where}: entry {entry.filename!r}")


def _pour(source: IO[bytes], file: IO[bytes], left_bytes: int, what: str) -> int:
    size_bytes = 0
    while chunk := source.read(CHUNK_BYTES):
        size_bytes += len(chunk)
        if size_bytes > left_bytes:
            raise ArchiveError(f"{what} unpacks to more than the archive states, and more than is allowed.")
        file.write(chunk)
    return size_bytes
