"""Files that an exporter wrote by itself, and not by `run.write`: they belong to the dataset like all others."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from rushes.errors import ExporterError
from rushes.records import WrittenFile

__all__ = ["OWN", "handmade", "now_ns"]

OWN = frozenset(
    {"checksums.sha256", "croissant.json", "failures.jsonl", "manifest.jsonl", "manifest.parquet", "report.html"}
    | {"stats.json"}
)
"""Files of every dataset that an exporter cannot write."""
INDEX, SUMMARY = "file_index.json", "export_summary.json"
"""Files of every dataset that it can write: its index takes the place of ours, and its summary is added to ours."""

_READ_WHOLE_BYTES = 2**20


def now_ns(folder: Path) -> int:
    """Returns a time by the clock of a folder's file system: all that was changed there before is older.

    Such clocks stand still for some milliseconds at a time, so this waits for the next.
    """
    mark = folder / ".now"
    began = _touched(mark)
    while (now := _touched(mark)) == began:
        time.sleep(0.001)
    mark.unlink()
    return now


def _touched(mark: Path) -> int:
    mark.unlink(missing_ok=True)
    mark.touch()
    return mark.stat().st_ctime_ns


def handmade(
    folder: Path, listed: Collection[str], since_ns: int, warn: Callable[[str], object]
) -> Iterator[WrittenFile]:
    """Yields the files of a folder that are not listed, or that were changed since.

    Files whose names begin with a dot are what somebody did not finish, and are removed.

    Args:
        folder: The dataset's folder.
        listed: Paths of the files that are known.
        since_ns: When they were all written; by the clock of the file system, see `now_ns`.
        warn: Is told of files that are removed, or that name this folder.

    Raises:
        ExporterError: A listed file is gone, or one that rushes writes into every dataset was changed.
    """
    seen = 0
    for path in _files(folder, warn):
        relative = path.relative_to(folder).as_posix()
        seen += relative in listed
        changed = path.stat().st_ctime_ns >= since_ns
        if relative == SUMMARY or (relative in {INDEX, *OWN} and not changed):
            continue  # rushes lists them itself
        if relative in OWN:
            raise ExporterError(
                f"{relative}: written by the exporter, and by rushes into every dataset. Choose another name."
            )
        if changed or relative not in listed:
            yield _hashed(path, relative, folder, warn)
    if seen < len(listed):
        gone = min(relative for relative in listed if not (folder / relative).exists())
        raise ExporterError(f"{gone}: removed by the exporter, and in the manifest; leave it, or do not place it.")


def _files(folder: Path, warn: Callable[[str], object]) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if name.startswith("."):
                warn(f"{path.relative_to(folder)}: left unfinished by the exporter, and removed")
                path.unlink()
            elif path.is_file():
                yield path


def _hashed(path: Path, relative: str, folder: Path, warn: Callable[[str], object]) -> WrittenFile:
    size_bytes = path.stat().st_size
    if size_bytes <= _READ_WHOLE_BYTES and folder.name.encode() in path.read_bytes():
        warn(
            f"{relative}: names {folder.name}, where the dataset only grows; params['output'] says where it will stand"
        )
    with path.open("rb") as file:
        return WrittenFile(relative, hashlib.file_digest(file, "sha256").hexdigest(), size_bytes)
