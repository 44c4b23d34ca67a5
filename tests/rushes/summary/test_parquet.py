"""The manifest in Parquet: what `manifest.jsonl` says, to whoever reads columns."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.jsonl import encode
from rushes.labels import Annotation, Mask
from rushes.records import ManifestRow, Quality
from rushes.summary import parquet
from rushes.summary.parquet import parquet_manifest, schema

PLAIN = ManifestRow("a", "https://h/a.png", "ok", "export")
HOSTILE = '=cmd|"/c calc"!A1\0\x1b[31m<script>\u202e\r\n\\"\ud7ff\U0001f9ff'
TRIANGLE = ((0.1, 0.2), (3.0, 1e-9), (1e300, 5.0))


def written(path: Path, rows: Iterable[ManifestRow]) -> bytes:
    with parquet_manifest(path) as manifest:
        for row in rows:
            manifest.add(row)
    return path.read_bytes()


def read_back(path: Path) -> list[ManifestRow]:
    """Reads rows as anybody would: columns that are JSON are parsed, all others taken as they are."""
    return [_row(found) for found in pq.read_table(path).to_pylist()]


def _row(found: dict[str, Any]) -> ManifestRow:
    for name in ("attributes", "dropped", "dropped_streams"):
        found[name] = json.loads(found[name])
    for label in found["annotations"] or ():
        label["attributes"] = json.loads(label["attributes"])
        label["spans"] = json.loads(label["spans"]) if label["spans"] else None
    return msgspec.convert(found, ManifestRow)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
points = st.tuples(numbers, numbers)
rings = st.lists(points, min_size=3, max_size=4).map(tuple)
objects = st.dictionaries(texts, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts, max_size=3)
labels = st.builds(
    Annotation,
    label=texts,
    box=st.none() | st.tuples(numbers, numbers, numbers, numbers),
    polygon=st.none() | rings,
    keypoints=st.none() | st.lists(st.tuples(numbers, numbers, numbers), max_size=2).map(tuple),
    rotation=st.none() | numbers,
    frame=st.none() | st.integers(0, 2**40),
    track=st.none() | texts,
    attributes=objects,
    parts=st.none() | st.lists(st.lists(rings, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    mask=st.none() | st.builds(Mask, st.tuples(st.integers(0, 99), st.integers(0, 99)), texts),
    relation=st.none() | st.tuples(texts, texts),
    spans=st.none()
    | st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), texts), min_size=1, max_size=2).map(tuple),
    crowd=st.booleans(),
)
rows = st.builds(
    ManifestRow,
    id=texts,
    source=texts,
    status=st.just("ok"),
    stage=texts,
    error=st.none() | texts,
    size_bytes=st.none() | st.integers(0, 2**62),
    fps=st.none() | numbers,
    annotations=st.none() | st.lists(labels, max_size=3).map(tuple),
    attributes=objects,
    dropped=st.dictionaries(texts, st.integers(0, 9), max_size=2),
    quality=st.none() | st.builds(Quality, texts, numbers, numbers),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=4))
def test_whatever_stands_in_a_row_stands_in_its_columns(tmp_path: Path, some: list[ManifestRow]) -> None:
    written(tmp_path / "manifest.parquet", some)
    assert read_back(tmp_path / "manifest.parquet") == some


def test_no_labels_and_not_labelled_are_two_things(tmp_path: Path) -> None:
    some = [PLAIN, msgspec.structs.replace(PLAIN, annotations=())]
    written(tmp_path / "m", some)
    assert pq.read_table(tmp_path / "m")["annotations"].to_pylist() == [None, []]


def test_every_field_of_a_row_and_of_a_label_has_a_column(tmp_path: Path) -> None:
    written(tmp_path / "m", [])
    assert pq.read_table(tmp_path / "m").schema.equals(schema())
    assert tuple(schema().names) == ManifestRow.__struct_fields__
    assert tuple(field.name for field in schema().field("annotations").type.value_type) == (
        Annotation.__struct_fields__
    )


def test_hostile_text_is_text(tmp_path: Path) -> None:
    label = Annotation(HOSTILE, polygon=TRIANGLE, attributes={HOSTILE: HOSTILE}, spans=((0, 1, HOSTILE),))
    row = msgspec.structs.replace(PLAIN, id=HOSTILE, annotations=(label,), attributes={HOSTILE: [HOSTILE]})
    written(tmp_path / "m", [row])
    assert read_back(tmp_path / "m") == [row]


@pytest.mark.parametrize(("limit", "value"), [("_GROUP_ROWS", 7), ("_GROUP_BYTES", 4000)])
def test_rows_go_out_in_groups_and_give_the_same_bytes_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(parquet, limit, value)
    some = [msgspec.structs.replace(PLAIN, id=f"{number}", attributes={"n": number}) for number in range(100)]
    assert written(tmp_path / "m", some) == written(tmp_path / "n", some)
    assert pq.ParquetFile(tmp_path / "m").num_row_groups > 5
    assert read_back(tmp_path / "m") == some


def test_a_row_of_any_length_is_taken(tmp_path: Path) -> None:
    label = Annotation("car", mask=Mask((9, 9), "x" * 5_000_000))
    row = msgspec.structs.replace(PLAIN, annotations=(label,))
    written(tmp_path / "m", [row, PLAIN])
    assert [encode(found) for found in read_back(tmp_path / "m")] == [encode(row), encode(PLAIN)]
