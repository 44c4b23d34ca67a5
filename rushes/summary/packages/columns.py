"""Columns of the manifest in Parquet, as Croissant knows fields: types follow the file, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

__all__ = ["fields"]

_LIKENESS = (
    (pa.types.is_boolean, "sc:Boolean"),
    (pa.types.is_integer, "sc:Integer"),
    (pa.types.is_floating, "sc:Float"),
)


def fields(schema: pa.Schema, record_set: str, file_object: str) -> Iterator[dict[str, Any]]:
    """Yields a field for each column; what holds records has fields of its own.

    Args:
        schema: Of the Parquet file.
        record_set: Id of what the fields belong to.
        file_object: Id of the file.
    """
    for column in schema:
        yield _field(f"{record_set}/{column.name}", column.name, column.type, _source(file_object, column.name))


def _field(id_: str, name: str, kind: pa.DataType, source: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": "cr:Field", "@id": id_, "name": name}
    records = kind.value_type if pa.types.is_list(kind) else kind
    if not pa.types.is_struct(records):
        return found | _type(kind) | {"source": source}
    return found | ({} if records is kind else {"isArray": True}) | {"subField": [*_inner(id_, records, source)]}


def _inner(id_: str, kind: pa.StructType, source: dict[str, Any], path: str = "") -> Iterator[dict[str, Any]]:
    """Yields the fields of a record within a column; those of records within it by their paths."""
    for field in kind:
        name = f"{path}{field.name}"
        if pa.types.is_struct(field.type):
            yield from _inner(id_, field.type, source, f"{name}.")
        else:
            found = {"@type": "cr:Field", "@id": f"{id_}/{name}", "name": name} | _type(field.type)
            yield found | {"source": source | {"transform": {"jsonPath": f"$.{name}"}}}


def _type(kind: pa.DataType) -> dict[str, Any]:
    depth = 0
    while pa.types.is_list(kind):
        kind, depth = kind.value_type, depth + 1
    array = {"isArray": True, "arrayShape": ",".join(["-1"] * depth)} if depth else {}
    return {"dataType": next((name for is_like, name in _LIKENESS if is_like(kind)), "sc:Text")} | array


def _source(file_object: str, column: str) -> dict[str, Any]:
    return {"fileObject": {"@id": file_object}, "extract": {"column": column}}
