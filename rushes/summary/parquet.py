"""The manifest in Parquet: the rows of `manifest.jsonl` under columns of fixed types, for pandas, DuckDB and Polars.

Labels are a list of structs, so that they can be unnested. What has keys of the user's own, or of no fixed number, is
JSON text: whatever one row says there, all rows have the same schema.

Rows become columns by Arrow's own reader of JSON, a group of rows at a time. Where a group ends depends on the rows
alone, so the same rows give the same bytes, however batches were cut; another release of pyarrow may give others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import asdict

from rushes.jsonl import encode, read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARQUET", "ParquetManifest", "parquet_manifest", "same_rows", "schema"]

PARQUET = "manifest.parquet"
"""The manifest in columns."""

_GROUP_ROWS = 20_000
_GROUP_BYTES = 2**24  # of rows as JSON, of which Arrow makes several times as much before it writes

_OPEN = ("attributes", "dropped", "dropped_streams")
"""Columns whose keys are not known beforehand."""

_encoder = msgspec.json.Encoder()


class ParquetManifest:
    """Takes rows, and writes a group of them at a time.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq  # here, because most commands are done before it is imported

        self._schema = schema()
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, row: ManifestRow) -> None:
        """Adds one row."""
        line = _encoder.encode(_columns(row))
        self._lines.append(line)
        self._bytes += len(line)
        if len(self._lines) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Writes what is left, and the end of the file."""
        with self._writer:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._writer.write_table(_table(self._lines, self._schema), row_group_size=_GROUP_ROWS)
        self._lines.clear()
        self._bytes = 0


def same_rows(manifest: Path, parquet: Path) -> bool:
    """Tells whether a manifest says the same in Parquet; of columns that only one of two releases has, nothing.

    Args:
        manifest: As JSON lines.
        parquet: In Parquet.

    Raises:
        LedgerError: The manifest cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: Iterator[ManifestRow] = read_lines(manifest, ManifestRow)
    try:
        with pq.ParquetFile(parquet) as file:
            there = file.schema_arrow
            shared = [field.name for field in schema() if field in there]
            for number in range(file.num_row_groups):
                found = file.read_row_group(number, columns=shared)
                lines = [_encoder.encode(_columns(row)) for row in islice(rows, found.num_rows)]
                if len(lines) != found.num_rows or not _table(lines, schema()).select(shared).equals(found):
                    return False
    except pa.ArrowException:
        return False
    return next(rows, None) is None


def _table(lines: Sequence[bytes], columns: pa.Schema) -> pa.Table:
    """Returns rows as columns."""
    import pyarrow as pa
    from pyarrow import json

    text = b"\n".join(lines)
    table = json.read_json(
        pa.BufferReader(text),
        json.ReadOptions(use_threads=False, block_size=len(text) + 1),
        json.ParseOptions(explicit_schema=columns, unexpected_field_behavior="error"),
    )
    return table.select(columns.names)


@contextmanager
def parquet_manifest(path: Path) -> Iterator[ParquetManifest]:
    """Opens a manifest in Parquet, which is whole when the block ends well."""
    manifest = ParquetManifest(path)
    yield manifest
    manifest.close()


def schema() -> pa.Schema:
    """Returns the columns of the manifest, as docs/dataset.md describes them."""
    import pyarrow as pa

    text, whole, real = pa.string(), pa.int64(), pa.float64()
    kinds = {
        **dict.fromkeys(("attempts", "size_bytes", "width", "height", "members", "frame"), whole),
        **dict.fromkeys(("duration_s", "fps", "elapsed_s", "time_s"), real),
        "annotations": pa.list_(_label(text, whole, real)),
        "quality": pa.struct({"metric": text, "mean": real, "min": real}),
    }
    return pa.schema([(name, kinds.get(name, text)) for name in ManifestRow.__struct_fields__])


def _label(text: pa.DataType, whole: pa.DataType, real: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    ring = pa.list_(pa.list_(real))
    kinds = {
        "box": pa.list_(real),
        **dict.fromkeys(("polygon", "keypoints", "polyline"), ring),
        **dict.fromkeys(("rotation", "time_s"), real),
        "frame": whole,
        "parts": pa.list_(pa.list_(ring)),
        "mask": pa.struct({"size": pa.list_(whole), "counts": text}),
        "relation": pa.list_(text),
        **dict.fromkeys(("crowd", "difficult", "truncated", "occluded"), pa.bool_()),
    }
    return pa.struct({name: kinds.get(name, text) for name in Annotation.__struct_fields__})


def _columns(row: ManifestRow) -> dict[str, Any]:
    columns = asdict(row)
    for name in _OPEN:
        columns[name] = _text(columns[name])
    if row.annotations is not None:
        columns["annotations"] = [_label_columns(label) for label in row.annotations]
    return columns


def _label_columns(label: Annotation) -> dict[str, Any]:
    columns = asdict(label)
    columns["attributes"] = _text(label.attributes)
    if label.spans is not None:
        columns["spans"] = _text(label.spans)
    return columns


def _text(value: Any) -> str:
    return encode(value).decode() if value else "{}"
