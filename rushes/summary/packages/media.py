"""Where in a dataset its media are, in as few patterns as say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyarrow import parquet

__all__ = ["MediaFiles", "media_files"]

_ROWS = 10_000
_PICTURES = ("image/jpeg", "image/png")


@dataclass(frozen=True, slots=True)
class MediaFiles:
    """Files of a kind.

    Attributes:
        name: What to call them.
        types: Their media types.
        patterns: Of their paths, with `*` for what is between two slashes.
    """

    name: str
    types: tuple[str, ...]
    patterns: tuple[str, ...]


def media_files(table: Path) -> list[MediaFiles]:
    """Returns where the files of each media type are, by the manifest; JPEG and PNG are of one kind.

    Args:
        table: The manifest in Parquet.
    """
    types: defaultdict[str, set[str]] = defaultdict(set)
    patterns: defaultdict[str, set[str]] = defaultdict(set)
    for folder, suffix, kind in sorted(set(_places(table))):
        name = "images" if kind in _PICTURES else kind.replace("/", "-")
        types[name].add(kind)
        patterns[name].add(_pattern(folder, suffix))
    return [MediaFiles(name, tuple(sorted(types[name])), tuple(sorted(patterns[name]))) for name in sorted(types)]


def _places(table: Path) -> Iterator[tuple[str, str, str]]:
    with parquet.ParquetFile(table) as file:
        for batch in file.iter_batches(_ROWS, columns=["path", "media_type"]):
            for path, kind in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if path is not None and kind is not None:
                    folder, _, name = path.rpartition("/")
                    yield folder, f".{name.rpartition('.')[2]}" if "." in name else "", kind


def _pattern(folder: str, suffix: str) -> str:
    """Returns the first folder, a star for each one in it, and a star for the name."""
    first, *inner = folder.split("/")
    return "/".join([*([first] if first else []), *("*" for _ in inner), f"*{suffix}"])
