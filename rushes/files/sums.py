"""Lists of checksums, as `sha256sum` writes and reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rushes.errors import ConfigError

__all__ = ["checksum_lines", "read_sums"]


def checksum_lines(digests: Mapping[str, str]) -> Iterator[str]:
    r"""Yields lines as `sha256sum -c` reads them, sorted by path.

    A name with a backslash, a newline or a carriage return is escaped, and its line begins with a backslash, as GNU
    coreutils document it.
    """
    for path, digest in sorted(digests.items()):
        escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        yield f"{'' if escaped == path else chr(92)}{digest}  {escaped}\n"


def read_sums(path: Path) -> dict[str, str]:
    """Returns the digest of each file of a list, by its path there.

    Raises:
        ConfigError: There is no list, or it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); expected a list of sha256 checksums.") from None
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
