from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from rushes.errors import ConfigError
from rushes.labels import Annotation
from rushes.records import Rejection, Source
from rushes.sources import read_sources

LABEL = {"class": "car", "box": [1, 2, 3, 4]}
EXPECTED = Annotation("car", box=(1, 2, 3, 4))


def read(folder: Path, text: str) -> list[Source | Rejection]:
    path = folder / "items.yaml"
    path.write_text(text, encoding="utf-8")
    return list(read_sources(str(path)))


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        read(folder, text)
    return str(raised.value)


def test_a_yaml_list_is_rows_with_their_lines(tmp_path: Path) -> None:
    labels = "[{class: car, box: [1, 2, 3, 4]}]"
    text = f"- url: a.jpg\n  split: val\n  day: 2024-01-02\n  annotations: {labels}\n- {{url: b.jpg}}\n"
    first, second = read(tmp_path, text)
    assert isinstance(first, Source)
    assert (first.url, first.split) == ((tmp_path / "a.jpg").as_uri(), "val")
    assert first.annotations == (EXPECTED,)
    assert first.attributes == {"day": "2024-01-02"}
    assert isinstance(second, Source)
    assert second.origin == "items.yaml:5"


def test_a_yaml_row_that_is_wrong_stops_no_other(tmp_path: Path) -> None:
    wrong, right = read(tmp_path, "- 7\n- url: b.jpg\n")
    assert isinstance(wrong, Rejection)
    assert "items.yaml:1" in wrong.message
    assert isinstance(right, Source)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [", "items.yaml: not valid YAML"),
        ("url: a.jpg", "expected a list of items"),
        ("- &a {url: a.jpg}\n- *a\n", "items.yaml:2: an alias"),
        ("[" * 30_000, "items.yaml: not valid YAML"),
        ("", "expected a list of items"),
    ],
)
def test_what_is_no_yaml_list_is_refused_with_its_place(tmp_path: Path, text: str, place: str) -> None:
    assert place in refused(tmp_path, text)


def test_yaml_builds_no_objects(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "- !!python/object/apply:os.getcwd []\n")
    assert isinstance(found, Rejection)


def test_parquet_is_rows(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    rows = [
        {"url": "a.jpg", "annotations": [LABEL], "weight": 0.5},
        {"url": "b.jpg", "annotations": None, "weight": None},
    ]
    parquet.write_table(pa.Table.from_pylist(rows), path)
    first, second = read_sources(str(path))
    assert isinstance(first, Source)
    assert (first.annotations, first.attributes) == ((EXPECTED,), {"weight": 0.5})
    assert isinstance(second, Source)
    assert (second.annotations, second.attributes, second.origin) == (None, {}, "items.parquet:2")


def test_parquet_without_urls_or_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    parquet.write_table(pa.Table.from_pylist([{"link": "a.jpg"}]), path)
    with pytest.raises(ConfigError, match="expected a column url, found link"):
        list(read_sources(str(path)))
    path.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(ConfigError, match="cannot be read as Parquet"):
        list(read_sources(str(path)))
