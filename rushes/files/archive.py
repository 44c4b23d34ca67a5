"""Zip archives: folders into them, and out of them without surprises."""

from __future__ import annotations

import shutil
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.files.limits import Limits, Meter
from rushes.files.zips import opened_zip, zip_chunks
from rushes.jsonl import publish

__all__ = ["archive", "unarchive"]


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
        max_ratio: Unpacked to packed size, of a file above 10 MiB and of all files together.

    Raises:
        ArchiveError: The archive is damaged, encrypted, over a limit, or holds a link, a duplicate, entries that
            overlap, or a name that leads out of the folder.
        OSError: The archive cannot be read, or the folder cannot be written.
    """
    where, target = Path(file_path), Path(output_path)
    limits = Limits(max_files, max_bytes, max_ratio)
    with opened_zip(where, str(where), limits) as (packed, entries):
        meter = Meter(str(where), where.stat().st_size, limits)
        target.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            _unpack(packed, entry, target, str(where), meter)


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


def _unpack(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, where: str, meter: Meter) -> None:
    target = folder / entry.filename
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    with _replacing(target) as part, part.open("wb") as file:
        file.writelines(zip_chunks(packed, entry, where, meter))
