"""Files of the dataset before that are still what they should be: the new dataset takes them over as they are.

A file that did not change keeps its inode and its times, so that whatever copies, caches or trains from a dataset sees
what changed and nothing else. It is a second name of the old file until the new dataset takes the old one's place.
"""

from __future__ import annotations

import errno
import filecmp
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["keep", "keep_all", "linked", "same_bytes", "unshare"]

_IMPOSSIBLE = frozenset({errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS})


def same_bytes(old: Path, content: bytes) -> bool:
    """Says whether a file is there and holds just this."""
    try:
        with old.open("rb") as file:
            return os.fstat(file.fileno()).st_size == len(content) and file.read() == content
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False


def linked(old: Path, new: Path) -> bool:
    """Makes `new` a second name of an old file; returns False where the disk does not allow it."""
    try:
        os.link(old, new)
    except FileExistsError:  # of the same batch, which broke and is run again
        new.unlink()
        return linked(old, new)
    except OSError as error:
        if error.errno not in _IMPOSSIBLE:
            raise
        return False
    return True


def keep(old: Path, new: Path) -> None:
    """Puts an old file in the place of a new one that holds the same bytes."""
    if not (old.is_file() and new.is_file()) or old.is_symlink() or new.is_symlink() or old.samefile(new):
        return
    if not filecmp.cmp(old, new, shallow=False):
        return
    beside = new.with_name(f".{new.name}.kept")
    if linked(old, beside):
        beside.replace(new)


def keep_all(previous: Path, building: Path, names: Iterable[str]) -> None:
    """Puts old files in the places of those new ones that hold the same bytes."""
    filecmp.clear_cache()
    for name in names:
        keep(previous / name, building / name)


def unshare(dataset: Path) -> None:
    """Gives files that two datasets share to one of them alone; those of the store, nobody may write anyway."""
    for folder, _, names in os.walk(dataset):
        for name in names:
            path = Path(folder, name)
            found = path.lstat()
            if found.st_nlink > 1 and found.st_mode & 0o222:
                beside = path.with_name(f".{name}.own")
                beside.write_bytes(path.read_bytes())
                os.utime(beside, ns=(found.st_atime_ns, found.st_mtime_ns))
                beside.replace(path)
