"""What an archive may hold, and how much of it: the rules that zip and tar have in common."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from rushes.errors import ArchiveError

__all__ = ["RATIO_FROM_BYTES", "Limits", "Meter", "Names", "shown"]

RATIO_FROM_BYTES = 10 * 2**20
"""What unpacks to less may have any ratio: small files compress well without harm."""

_MAX_NAME_LENGTH = 4096
_SHOWN_LENGTH = 100
_DRIVE = re.compile(r"[A-Za-z]:")
_SURROGATE = re.compile("[\\ud800-\\udfff]")


def shown(name: str) -> str:
    """Returns a name as messages show it: quoted, its beginning only where it is long."""
    return repr(name if len(name) <= _SHOWN_LENGTH else f"{name[:_SHOWN_LENGTH]}…")


class Limits(NamedTuple):
    """How much may come out of one archive.

    Attributes:
        max_files: Entries, folders and what is left out among them.
        max_bytes: Of all files together, unpacked.
        max_ratio: Unpacked to packed size, from `RATIO_FROM_BYTES` on.
    """

    max_files: int
    max_bytes: int
    max_ratio: float


class Meter:
    """Counts what comes out of one archive, whatever the archive states, and stops it at its limits.

    Args:
        where: What messages call the archive.
        packed_bytes: Its length.
        limits: What it may come to.
    """

    def __init__(self, where: str, packed_bytes: int, limits: Limits) -> None:
        self._where, self._limits = where, limits
        self._ratio_bytes = max(RATIO_FROM_BYTES, limits.max_ratio * packed_bytes)
        self._entries = self._bytes = 0

    def count(self, entries: int = 1) -> None:
        """Counts entries.

        Raises:
            ArchiveError: There are more than `max_files`.
        """
        self._entries += entries
        if self._entries > self._limits.max_files:
            raise ArchiveError(
                f"{self._where}: {self._entries} entries or more, and at most {self._limits.max_files} are unpacked "
                "(max_files)."
            )

    def add(self, size_bytes: int) -> None:
        """Counts unpacked bytes.

        Raises:
            ArchiveError: There are more than `max_bytes`, or than `max_ratio` allows of an archive of this length.
        """
        self._bytes += size_bytes
        if self._bytes > self._limits.max_bytes:
            raise ArchiveError(
                f"{self._where}: {self._bytes} bytes unpacked or more, and at most {self._limits.max_bytes} are "
                "allowed (max_bytes)."
            )
        if self._bytes > self._ratio_bytes:
            raise ArchiveError(
                f"{self._where}: unpacks to more than {self._limits.max_ratio:g} times its size (max_ratio)."
            )


class Names:
    """Checks the names in one archive.

    A backslash is a letter of a name here, and a separator elsewhere: no name may lead out either way. Names that
    differ only in case or in their Unicode form are different names.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def fault(self, name: str, once: bool = True) -> str | None:
        """Says what is wrong with a name, if anything; one that may come `once` only is remembered."""
        path, windows = PurePosixPath(name), PurePosixPath(name.replace("\\", "/"))
        faults = {
            "leads out of the folder": windows.is_absolute() or ".." in windows.parts,
            "has a drive in its name": _DRIVE.match(name) is not None,
            "has a NUL in its name": "\0" in name,
            "has a name that is not in UTF-8": _SURROGATE.search(name) is not None,
            f"has a name of more than {_MAX_NAME_LENGTH} characters": len(name) > _MAX_NAME_LENGTH,
            "stands in it twice": once and str(path) in self._seen,
        }
        if once:
            self._seen.add(str(path))
        return next((fault for fault, found in faults.items() if found), None)
