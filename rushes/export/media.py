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
_IMPOSSIBLE = frozenset(
    getattr(errno, name) for name in ("EXDEV", "EPERM", "EACCES", "EMLINK", "EOPNOTSUPP", "ENOTTY", "EINVAL", "ENOSYS")
)


def place(source: Path, target: Path, mode: MediaMode) -> None:
    """Puts a file of the store into the dataset, in place of what stands there.

    A hard link is the stored file under a second name: it loses its write permission, so that nobody changes the store
    by editing the dataset. Reflinks and copies are files of their own and stay writable.

    Args:
        source: The stored file.
        target: Where it goes.
        mode: `auto` takes the first that works of reflink, hard link and copy; `link` insists on a hard link.

    Raises:
        StorageError: `link`, and the disk does not allow it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        _fill(source, part, mode)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)  # renaming one name of a file onto another of its names leaves both


def _fill(source: Path, part: Path, mode: MediaMode) -> None:
    if mode == "copy":
        shutil.copyfile(source, part)
    elif mode == "link":
        _insist(source, part)
    elif not _reflink(source, part) and not _hard_link(source, part):
        shutil.copyfile(source, part)


def _insist(source: Path, part: Path) -> None:
    if not _hard_link(source, part):
        raise StorageError(
            f"{part.parent}: no hard link to {source} is possible here, as `export.media: link` asks. "
            "Put output and workspace on one file system that has hard links, or set `export.media: auto`."
        )


def _reflink(source: Path, part: Path) -> bool:
    with source.open("rb") as old, part.open("wb") as new:
        if _possible(lambda: fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())):
            return True
    part.unlink()
    return False


def _hard_link(source: Path, part: Path) -> bool:
    if not _possible(lambda: os.link(source, part)):
        return False
    mode = stat.S_IMODE(part.stat().st_mode)
    if mode & 0o222:
        part.chmod(mode & ~0o222)
    return True


def _possible(action: Callable[[], object]) -> bool:
    try:
        action()
    except OSError as error:
        if error.errno not in _IMPOSSIBLE:
            raise
        return False
    return True
