"""A dataset folder is either the old one or the new one: the new one grows beside it and takes its place whole.

This is for folders of this machine; `rushes.summary.output` leads here, or to the one for storages.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.errors import OutputOccupiedError
from rushes.export.kept import unshare
from rushes.jsonl import fsync_dir, storing

__all__ = [
    "CHECKSUMS",
    "FAILED",
    "MANIFEST",
    "REBUILD",
    "REPORT",
    "SOURCES",
    "SUMMARY",
    "UNLISTED",
    "begin",
    "building_of",
    "check_output",
    "is_good",
    "place_for",
    "publish_dataset",
    "tidy",
]

MANIFEST = "manifest.jsonl"
"""A row for each planned item, whatever became of it, and for each frame."""

REPORT = "report.html"
"""What came out, as a page."""

CHECKSUMS = "checksums.sha256"
"""What `sha256sum -c` reads: every file but those that hold times."""

SOURCES = "sources.jsonl"
"""The row that each item of the dataset came from, as it was given."""

REBUILD = "rebuild.json"
"""The settings that decide the dataset's bytes."""

FAILED = ".failed"
"""What the name of a failed run's dataset ends with, where a good one is in its place."""

SUMMARY = "export_summary.json"
"""Written last into every dataset: a folder that has it is a dataset of ours."""

UNLISTED = frozenset({CHECKSUMS, SUMMARY, REPORT})
"""Files of a dataset that its checksums leave out: the list itself, and those that hold times."""


def begin(output: Path) -> Path:
    """Returns a new, empty folder beside the output, and mends what a killed run left there.

    Raises:
        OutputOccupiedError: The output holds something that rushes did not write.
        StorageError: No folder can be made there.
    """
    building, old = _beside(output)
    if old.exists() and not output.exists():
        old.replace(output)  # killed between the two renames: the old dataset is still the one that counts
    for leftover in (building, old):
        if leftover.exists():
            shutil.rmtree(leftover)
    check_output(output)
    with storing(building):
        building.mkdir(parents=True)
    return building


def building_of(output: Path) -> Path:
    """Returns the folder beside the output that a new dataset grows in."""
    return _beside(output)[0]


def check_output(output: Path) -> None:
    """Refuses places of a dataset, that of a failed run among them, that are neither free nor hold one of ours."""
    for folder in (output, _failed(output)):
        if found := _occupied(folder):
            raise OutputOccupiedError(
                f"{folder}: {found}; expected no such folder, an empty one, or an earlier dataset. Move it away, or "
                "choose another `output`."
            )


def _occupied(folder: Path) -> str | None:
    """Returns why a place cannot be a dataset's; None where it can."""
    if folder.is_symlink():
        return f"is a symbolic link, to {folder.readlink()}, which a dataset would take the place of"
    try:
        first = next(iter(folder.iterdir()), None)
        summary = json.loads((folder / SUMMARY).read_bytes()) if first else {}
    except FileNotFoundError:
        return "holds something that rushes did not write" if folder.exists() else None
    except NotADirectoryError:
        return "holds something that rushes did not write: it is a file"
    except ValueError:
        return f"its {SUMMARY} is no JSON, so it holds something that rushes did not write, or is damaged"
    except OSError as error:
        return f"cannot be looked into: {error.strerror}"
    ours = first is None or (isinstance(summary, dict) and "over_limit" in summary)
    return None if ours else f"holds something that rushes did not write, an {SUMMARY} of its own among it"


def is_good(summary: Mapping[str, Any]) -> bool:
    """Tells by the summary of a dataset whether it is that of a run that did not fail."""
    return not (summary.get("over_limit") or summary.get("empty"))


def place_for(output: Path, good: bool) -> Path:
    """Returns where a finished dataset goes: a failed run's never takes the place of a good one."""
    summary = output / SUMMARY
    if good or not summary.is_file() or not is_good(json.loads(summary.read_bytes())):
        return output
    return _failed(output)


def publish_dataset(building: Path, output: Path) -> None:
    """Puts the finished folder in the place of the output."""
    if output.name.endswith(FAILED):
        unshare(building)  # the good dataset stays, and nobody should change it by mending this one
    _sync_disk(building)  # the files before the names that make them count
    _, old = _beside(output)
    if not output.exists():
        building.replace(output)
    elif not _exchanged(building, output):
        shutil.rmtree(old, ignore_errors=True)  # of a run that was killed while it did this
        output.replace(old)
        building.replace(output)
    fsync_dir(output.parent)
    for leftover in (building, old):
        shutil.rmtree(leftover, ignore_errors=True)


def tidy(output: Path) -> None:
    """Removes what a killed run left beside its dataset, which is in its place, or in that of a failed run."""
    for leftover in (*_beside(output), *_beside(_failed(output))):
        shutil.rmtree(leftover, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Makes two folders change places in one step, so that there is no moment without a dataset.

    `renameat2(2)`, which Python does not offer; False where the system, or the file system, cannot do it.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of <linux/fs.h>
    return bool(library.renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _sync_disk(folder: Path) -> None:
    """Waits until all that was written to the folder's file system is on the disk, whatever others are busy with.

    `syncfs(2)`, which Python does not offer; where there is none, as on macOS, all file systems are waited for.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if library.syncfs(handle):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(folder))
    finally:
        os.close(handle)


def _failed(output: Path) -> Path:
    return output.with_name(f"{output.name}{FAILED}")


def _beside(output: Path) -> tuple[Path, Path]:
    return output.with_name(f".{output.name}.building"), output.with_name(f".{output.name}.old")
