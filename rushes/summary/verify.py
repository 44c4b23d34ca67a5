"""Is a dataset what it was when it was written?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from rushes.errors import ConfigError

__all__ = ["UNLISTED", "Verification", "checksum_lines", "read_checksums", "verify_dataset"]

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


def verify_dataset(dataset: Path, report: Callable[[int, int], None] | None = None, workers: int = 4) -> Verification:
    """Hashes every file of a dataset again and looks for files that it does not list.

    Args:
        dataset: The dataset's folder.
        report: Told how many of how many files are done.
        workers: Files to read at a time.

    Raises:
        ConfigError: The folder holds no dataset.
    """
    listed = read_checksums(dataset)
    present = set(_files(dataset))
    there = sorted(path for path in listed if path in present)
    changed = []
    with ThreadPoolExecutor(workers) as pool:
        digests = pool.map(lambda path: _sha256(dataset / path), there)
        for done, (path, digest) in enumerate(zip(there, digests, strict=True), 1):
            if digest != listed[path]:
                changed.append(path)
            if report:
                report(done, len(there))
    missing = tuple(sorted(set(listed) - present))
    return Verification(len(there), missing, tuple(changed), tuple(sorted(present - set(listed) - UNLISTED)))


def checksum_lines(digests: dict[str, str]) -> Iterator[str]:
    r"""Yields lines as `sha256sum -c` reads them, sorted by path.

    A name with a backslash, a newline or a carriage return is escaped, and its line begins with a backslash, as GNU
    coreutils document it.
    """
    for path, digest in sorted(digests.items()):
        escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        yield f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"


def read_checksums(dataset: Path) -> dict[str, str]:
    """Returns the digest of each listed file, by path.

    Raises:
        ConfigError: There is no list, or it cannot be read.
    """
    path = dataset / CHECKSUMS
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); expected the folder of a dataset that rushes wrote."
        ) from None
    return dict(_parse(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line)


def _parse(line: str, where: str) -> tuple[str, str]:
    escaped = line.startswith("\\")
    digest, separator, path = line.removeprefix("\\").partition("  ")
    if not separator or len(digest) != 64 or not path:
        raise ConfigError(f"{where}: expected a sha256 digest, two spaces and a path, not {line[:80]!r}.")
    if escaped:
        marks = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
        path = "".join(marks.get(part, part) for part in _escapes(path))
    return path, digest


def _escapes(text: str) -> Iterator[str]:
    position = 0
    while position < len(text):
        width = 2 if text[position] == "\\" else 1
        yield text[position : position + width]
        position += width


def _files(dataset: Path) -> Iterator[str]:
    for folder, _, names in os.walk(dataset):
        for name in names:
            yield (Path(folder) / name).relative_to(dataset).as_posix()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
