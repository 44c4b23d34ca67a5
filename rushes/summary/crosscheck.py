"""Whether the lists of a dataset agree: who forges one, and its line in the checksums, is found by another.

The manifest names the digest of every media file, as `checksums.sha256` does, and stands in two forms. Who forges all
of them alike is found by a digest that somebody kept elsewhere, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import LedgerError
from rushes.jsonl import read_lines
from rushes.layouts import layout_of
from rushes.summary.parquet import PARQUET, same_rows
from rushes.summary.publish import MANIFEST, REBUILD

__all__ = ["LOOKED_INTO", "Contradiction", "contradictions", "listed_in_manifest"]

LOOKED_INTO = (MANIFEST, PARQUET, REBUILD)
"""Files of a dataset that are read, beside its checksums."""


class Contradiction(msgspec.Struct, frozen=True):
    """Two lists that do not agree.

    Attributes:
        path: The file of which they speak; `manifest.parquet` where its rows are not those of `manifest.jsonl`.
        manifest: Its sha256, as the manifest says.
        checksums: As the checksums say; None where it does not stand there.
    """

    path: str
    manifest: str | None = None
    checksums: str | None = None


class _Row(msgspec.Struct, gc=False):
    path: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None


def contradictions(
    folder: Path, listed: Mapping[str, str], lengths: dict[str, int | None], skip: Set[str] = frozenset()
) -> Iterator[Contradiction]:
    """Yields where the manifest and the checksums, or the manifest's two forms, do not agree.

    Args:
        folder: Where these files are.
        listed: What the checksums say.
        lengths: Files whose length is asked for; takes it, where the manifest says so.
        skip: Files that changed, and say nothing any more.
    """
    whole = _names_every_file(folder)
    for row in _rows(folder / MANIFEST):
        if row.path is None or row.sha256 is None:
            continue
        if row.path in lengths:
            lengths[row.path] = row.size_bytes
        said = listed.get(row.path)
        if said != row.sha256 and (said is not None or whole):
            yield Contradiction(row.path, row.sha256, said)
    both = all((folder / name).is_file() for name in (MANIFEST, PARQUET))
    if both and PARQUET not in skip and not same_rows(folder / MANIFEST, folder / PARQUET):
        yield Contradiction(PARQUET)


def listed_in_manifest(folder: Path) -> dict[str, str]:
    """Returns the digests of the media files, as the manifest says; for a dataset whose checksums are gone."""
    return {row.path: row.sha256 for row in _rows(folder / MANIFEST) if row.path and row.sha256}


def _rows(manifest: Path) -> Iterator[_Row]:
    try:
        yield from read_lines(manifest, _Row)
    except (OSError, LedgerError):
        return  # it is missing, or no manifest any more, and said to be


def _names_every_file(folder: Path) -> bool:
    """Says whether each path of the manifest is one of a file: in shards it is that of a member."""
    try:
        found: Any = msgspec.json.decode((folder / REBUILD).read_bytes())
        name = str(found["pipeline"]["export"]["format"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError):
        return False
    return ":" not in name and not layout_of(name).packs_media
