"""The list of checksums of a dataset: every file but those that hold times."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from rushes.files.sums import checksum_lines, sort_sums
from rushes.records import WrittenFile
from rushes.summary.verify import CHECKSUMS, UNLISTED

__all__ = ["write_checksums"]


def write_checksums(building: Path, written: Iterable[WrittenFile], scratch: Path) -> None:
    """Writes `checksums.sha256`.

    Args:
        building: The folder in which the dataset grows; files in itself that nobody named are hashed.
        written: Files of which the digests are known.
        scratch: A folder for what does not fit into memory.
    """
    with (building / CHECKSUMS).open("w", encoding="utf-8", newline="") as file:
        file.writelines(checksum_lines(sort_sums(_sums(building, written), scratch)))


def _sums(building: Path, written: Iterable[WrittenFile]) -> Iterator[tuple[str, str]]:
    known = set(UNLISTED)
    for found in written:
        if "/" not in found.path:
            known.add(found.path)
        yield found.path, found.sha256
    for path in building.iterdir():
        if path.is_file() and path.name not in known:
            with path.open("rb") as file:
                yield path.name, hashlib.file_digest(file, "sha256").hexdigest()
