"""Where a video is built: beside its place, under a hidden name that ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import glob
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rushes.jsonl import storing

__all__ = ["beside", "folder_beside"]

_FOLDER = ".chunks"


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Gives a file in the target's folder, with its suffix, by which ffmpeg knows the container; it goes at the end.

    Who is killed leaves it behind. So it is locked, which a process's end undoes, and the next one to build the same
    target removes what is there and not locked.
    """
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        part, handle = _locked(target)
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)
            os.close(handle)


@contextmanager
def folder_beside(target: Path) -> Iterator[Path]:
    """Gives a folder beside the target in the same way."""
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in target.parent.glob(f".{glob.escape(target.stem)}.*{_FOLDER}"):
            _sweep_folder(folder)
        folder, handle = _locked_folder(target)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _locked_folder(target: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(_FOLDER, f".{target.stem}.", target.parent))
        with suppress(FileNotFoundError):  # a sweeper came between
            handle = os.open(folder, os.O_RDONLY)
            with suppress(OSError):
                fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists():
                return folder, handle
            os.close(handle)


def _sweep_folder(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(handle)


def _locked(target: Path) -> tuple[Path, int]:
    """Makes a part, and returns the handle that holds its lock; a sweeper that came between takes it, so look again."""
    while True:
        part = target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")
        handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        with suppress(OSError):  # a file system without locks; nobody can sweep there, either
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return part, handle
        os.close(handle)


def _sweep(target: Path) -> None:
    """Removes parts of the same target that no process holds."""
    name = re.compile(rf"\.{re.escape(target.stem)}\.[0-9a-f]{{8}}\.part{re.escape(target.suffix)}")
    with os.scandir(target.parent) as entries:
        parts = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    for part in parts:
        with suppress(OSError):  # held, gone, or not ours to remove
            handle = os.open(part, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(handle)
