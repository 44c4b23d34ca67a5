"""Lists of checksums, as `sha256sum` writes and reads them."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from rushes.errors import ConfigError
from rushes.jsonl import read_lines, write_lines

__all__ = ["checksum_lines", "iter_sums", "read_sums", "sort_sums"]

_SORTED_AT_A_TIME = 100_000


class _Sum(msgspec.Struct, frozen=True, gc=False, order=True, array_like=True):
    path: str
    part: int
    digest: str


def checksum_lines(digests: Mapping[str, str] | Iterable[tuple[str, str]]) -> Iterator[str]:
    r"""Yields lines as `sha256sum -c` reads them: of a mapping sorted by path, of pairs as they come.

    A name with a backslash, a newline or a carriage return is escaped, and its line begins with a backslash, as GNU
    coreutils document it.
    """
    for path, digest in sorted(digests.items()) if isinstance(digests, Mapping) else digests:
        escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        yield f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"


def sort_sums(sums: Iterable[tuple[str, str]], scratch: Path) -> Iterator[tuple[str, str]]:
    """Yields paths and digests sorted by path, each path once, with the digest that came last.

    However many there are, no more than a hundred thousand are in memory: sorted parts go to files, and are merged.

    Args:
        sums: Paths and digests, in any order.
        scratch: A folder on a disk with room for all of them.
    """
    with tempfile.TemporaryDirectory(prefix=".sums-", dir=scratch) as folder:
        parts: list[Path] = []
        rest = iter(sums)
        while some := dict(islice(rest, _SORTED_AT_A_TIME)):
            parts.append(Path(folder) / f"{len(parts)}.jsonl")
            write_lines(parts[-1], (_Sum(path, len(parts), digest) for path, digest in sorted(some.items())))
        last: _Sum | None = None
        for one in heapq.merge(*(read_lines(part, _Sum) for part in parts)):
            if last is not None and last.path != one.path:
                yield last.path, last.digest
            last = one
        if last is not None:
            yield last.path, last.digest


def read_sums(path: Path) -> dict[str, str]:
    """Returns the digest of each file of a list, by its path there.

    Raises:
        ConfigError: There is no list, or it cannot be read.
    """
    return dict(iter_sums(path))


def iter_sums(path: Path, spoiled: list[str] | None = None) -> Iterator[tuple[str, str]]:
    """Yields path and digest of each file of a list, in its order.

    Args:
        path: The list.
        spoiled: Takes what is wrong with lines that cannot be read; None refuses the list for them.

    Raises:
        ConfigError: There is no list, or it cannot be read.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if not (text := line.removesuffix("\n")):
                    continue
                try:
                    yield _parse(text, f"{path}, line {number}")
                except ConfigError as error:
                    if spoiled is None:
                        raise
                    spoiled.append(str(error))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); expected a list of sha256 checksums.") from None


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
