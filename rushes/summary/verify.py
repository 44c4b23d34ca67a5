"""Is a dataset what it was when it was written?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec

from rushes.files.sums import read_sums
from rushes.storage import Storage, is_storage, open_storage
from rushes.summary.output import published

__all__ = ["CHECKSUMS", "UNLISTED", "Verification", "verify_dataset"]

CHECKSUMS = "checksums.sha256"
UNLISTED = frozenset({CHECKSUMS, "export_summary.json", "report.html"})
"""Files of a dataset that `checksums.sha256` leaves out: itself, and those that hold times."""


class Verification(msgspec.Struct, frozen=True):
    """What differs from the checksums, as sorted paths in the dataset.

    Attributes:
        checked: Files that were read and hashed.
        missing: Listed, and not there.
        changed: There, with other bytes.
        extra: There, and not listed.
    """

    checked: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.changed or self.extra)


def verify_dataset(
    dataset: Path | str, report: Callable[[int, int], None] | None = None, workers: int = 4
) -> Verification:
    """Hashes every file of a dataset again and looks for files that it does not list.

    Args:
        dataset: The dataset's folder, or its URL in a storage.
        report: Told how many of how many files are done.
        workers: Files to read at a time.

    Raises:
        ConfigError: The folder holds no dataset that rushes wrote.
    """
    if isinstance(dataset, str) and is_storage(dataset):
        with published(dataset, CHECKSUMS) as folder:
            listed = read_sums(folder / CHECKSUMS)
        with closing(open_storage(dataset)) as storage:
            present = {entry.name for entry in storage.list()}
            return _compare(listed, present, lambda name: _digest(storage, name), report, workers)
    folder = Path(dataset)
    return _compare(
        read_sums(folder / CHECKSUMS), set(_files(folder)), lambda name: _sha256(folder / name), report, workers
    )


def _compare(
    listed: Mapping[str, str],
    present: set[str],
    digest_of: Callable[[str], str],
    report: Callable[[int, int], None] | None,
    workers: int,
) -> Verification:
    there = sorted(path for path in listed if path in present)
    changed = []
    with ThreadPoolExecutor(workers) as pool:
        for done, (path, digest) in enumerate(zip(there, pool.map(digest_of, there), strict=True), 1):
            if digest != listed[path]:
                changed.append(path)
            if report:
                report(done, len(there))
    missing = tuple(sorted(set(listed) - present))
    return Verification(len(there), missing, tuple(changed), tuple(sorted(present - set(listed) - UNLISTED)))


def _digest(storage: Storage, name: str) -> str:
    digest, body = hashlib.sha256(), storage.open(name)
    for chunk in body.chunks if body else ():
        digest.update(chunk)
    return digest.hexdigest()


def _files(dataset: Path) -> Iterator[str]:
    for folder, _, names in os.walk(dataset):
        for name in names:
            yield (Path(folder) / name).relative_to(dataset).as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
