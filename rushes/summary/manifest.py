"""The files with a line or an entry for each row: the manifest, twice, what failed, and the index of files.

Rows are streamed from what the export batches left, in the order of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rushes.jsonl import encode, read_lines
from rushes.records import ManifestRow
from rushes.summary.outcome import FAILURES
from rushes.summary.parquet import PARQUET, parquet_manifest
from rushes.summary.publish import MANIFEST
from rushes.summary.stats import Stats

__all__ = ["parts", "write_rows"]


def parts(folder: Path, names: Iterable[str], kind: str, record: type[Any]) -> Iterator[Any]:
    """Yields what all batches left of one kind: `rows` or `files`.

    Args:
        folder: `runs/<run>/export`.
        names: The batches, in order.
        kind: What to read.
        record: The type of a line.
    """
    for name in names:
        yield from read_lines(folder / f"{name}.{kind}.jsonl", record)


def write_rows(rows: Iterable[ManifestRow], building: Path) -> Stats:
    """Writes the manifest, the failures and the index of files, in one pass over the rows, and counts them."""
    stats = Stats()
    with (
        (building / MANIFEST).open("wb") as manifest,
        (building / FAILURES).open("wb") as failures,
        (building / "file_index.json").open("wb") as index,
        parquet_manifest(building / PARQUET) as columns,
    ):
        index.write(b'{"files":{')
        comma = b"\n"
        for row in rows:
            stats.add(row)
            line = encode(row) + b"\n"
            manifest.write(line)
            columns.add(row)
            if row.status != "ok":
                failures.write(line)
            if row.path is not None:
                index.write(comma + encode(row.path) + b":" + encode(_index_entry(row)))
                comma = b",\n"
        index.write(b"\n}}\n")
    return stats


def _index_entry(row: ManifestRow) -> dict[str, Any]:
    return {"id": row.id, "sha256": row.sha256, "size_bytes": row.size_bytes, "split": row.split}
