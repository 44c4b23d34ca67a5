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
from rushes.export.kept import linked

__all__ = ["MediaMode", "place"]

MediaMode = Literal["auto", "copy", "link"]

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file until one of the two changes
_WITHOUT_REFLINKS: set[tuple[int, int]] = set()
"""Pairs of devices that refused one: asking costs a file each time."""
_IMPOSSIBLE = frozenset(
    getattr(errno, name) for name in ("EXDEV", "EPERM", "EACCES", "EMLINK", "EOPNOTSUPP", "ENOTTY", "EINVAL", "ENOSYS")
)


def place(source: Path, target: Path, mode: MediaMode, previous: Path | None = None) -> None:
    """Puts a file of the store into the dataset, in place of what stands there.

    A hard link is the stored file under a second name: it loses its write permission, so that nobody changes the store
    by editing the dataset. Reflinks and copies are files of their own and stay writable; they bear the time of the
    stored file, by which a later export knows that they are still as they were made.

    Args:
        source: The stored file.
        target: Where it goes; its folder is there.
        mode: `auto` takes the first that works of reflink, hard link and copy; `link` insists on a hard link.
        previous: The same file of the dataset before, which is taken over if it is a copy that nobody touched.

    Raises:
        StorageError: `link`, and the disk does not allow it.
    """
    target.unlink(missing_ok=True)  # a second name of a stored file must not be written through
    if mode == "link":
        _insist(source, target)
    elif mode == "copy":
        _take_over(source, target, previous) or _copy(source, target)
    else:
        reflinks = (source.stat().st_dev, target.parent.stat().st_dev) not in _WITHOUT_REFLINKS
        shared = reflinks and (_take_over(source, target, previous) or _reflink(source, target))
        shared or _hard_link(source, target) or _take_over(source, target, previous) or _copy(source, target)


def _take_over(source: Path, target: Path, previous: Path | None) -> bool:
    if previous is None or not previous.is_file():
        return False
    old, stored = previous.stat(), source.stat()
    copied = (old.st_size, old.st_mtime_ns) == (stored.st_size, stored.st_mtime_ns)
    return copied and not previous.samefile(source) and linked(previous, target)


def _copy(source: Path, target: Path) -> bool:
    shutil.copyfile(source, target)
    return _dated(source, target)


def _dated(source: Path, target: Path) -> bool:
    found = source.stat()
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return True


def _insist(source: Path, target: Path) -> None:
    if not _hard_link(source, target):
        raise StorageError(
            f"{target}: cannot be a hard link to {source}, as `export.media: link` asks. "
            "Put output and workspace on one file system that has hard links, or set `export.media: auto`."
        )


def _reflink(source: Path, target: Path) -> bool:
    with source.open("rb") as old, target.open("xb") as new:
        if _possible(lambda: fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())):
            return _dated(source, target)
    target.unlink()
    _WITHOUT_REFLINKS.add((source.stat().st_dev, target.parent.stat().st_dev))
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
