"""How a media file gets into the dataset: as cheaply as the disk allows, and never at the store's risk."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from rushes.errors import StorageError

__all__ = ["MediaMode", "place"]

MediaMode = Literal["auto", "copy", "link"]

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file until one of the two changes
_WITHOUT_REFLINKS: set[tuple[int, int]] = set()
"""Pairs of devices that refused one: asking costs a file each time."""
_IMPOSSIBLE = frozenset(
    getattr(errno, name) for name in ("EXDEV", "EPERM", "EACCES", "EMLINK", "EOPNOTSUPP", "ENOTTY", "EINVAL", "ENOSYS")
)


def place(source: Path, target: Path, mode: MediaMode) -> None:
    """Puts a file of the store into the dataset, in place of what stands there.

    A hard link is the stored file under a second name: it loses its write permission, so that nobody changes the store
    by editing the dataset. Reflinks and copies are files of their own and stay writable.

    Args:
        source: The stored file.
        target: Where it goes; its folder is there.
        mode: `auto` takes the first that works of reflink, hard link and copy; `link` insists on a hard link.

    Raises:
        StorageError: `link`, and the disk does not allow it.
    """
    target.unlink(missing_ok=True)  # a second name of a stored file must not be written through
    if mode == "copy":
        shutil.copyfile(source, target)
    elif mode == "link":
        _insist(source, target)
    elif not _reflink(source, target) and not _hard_link(source, target):
        shutil.copyfile(source, target)


def _insist(source: Path, target: Path) -> None:
    if not _hard_link(source, target):
        raise StorageError(
            f"{target}: cannot be a hard link to {source}, as `export.media: link` asks. "
            "Put output and workspace on one file system that has hard links, or set `export.media: auto`."
        )


def _reflink(source: Path, target: Path) -> bool:
    devices = source.stat().st_dev, target.parent.stat().st_dev
    if devices in _WITHOUT_REFLINKS:
        return False
    with source.open("rb") as old, target.open("xb") as new:
        if _possible(lambda: fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())):
            return True
    target.unlink()
    _WITHOUT_REFLINKS.add(devices)
    return False


def _hard_link(source: Path, target: Path) -> bool:
    if not _possible(lambda: os.link(source, target)):
        return False
    mode = stat.S_IMODE(target.stat().st_mode)
    if mode & 0o222:
        target.chmod(mode & ~0o222)
    return True


def _possible(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError as error:
        if error.errno not in _IMPOSSIBLE:
            raise
        return False
    return True
