"""`croissant.json`: read whole by mlcroissant, and its records are those of the manifest."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what mlcroissant imports
    import mlcroissant

from tests.rushes.runs import manifest
from tests.rushes.summary.described import ABOUT, HOSTILE, dataset

pytestmark = [  # of what mlcroissant uses
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]
RECOMMENDED = {"citeAs", "datePublished", "license", "version"}


def read(folder: Path) -> Any:
    return mlcroissant.Dataset(jsonld=folder / "croissant.json")


def records(found: Any, name: str) -> list[dict[str, Any]]:
    return [*found.records(name)]


@pytest.mark.parametrize("layout", ["yolo", "coco", "voc", "imagefolder", "dm", "csv", "yolo-cls"])
def test_mlcroissant_takes_every_layout_without_a_warning_and_finds_all_rows_and_pictures(
    tmp_path: Path, layout: str
) -> None:
    _, folder = dataset(tmp_path, ABOUT, export={"format": layout})
    found = read(folder)
    assert not found.metadata.ctx.issues.errors
    assert not found.metadata.ctx.issues.warnings
    rows = manifest(folder)
    items = {item["items/id"].decode(): item for item in records(found, "items")}
    assert [*items] == [*rows]
    for id_, row in rows.items():
        for name in ("status", "path", "sha256", "split"):
            value = items[id_][f"items/{name}"]
            assert (value.decode() if value else None) == getattr(row, name)
        assert items[id_]["items/size_bytes"] == row.size_bytes
    pictures = {one["files/path"].decode(): one["files/content"].size for one in records(found, "files")}
    assert pictures == {row.path: (32, 24) for row in rows.values() if row.path}


def test_labels_are_records_with_fields_of_their_own(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, export={"format": "coco"})
    found = {item["items/id"].decode(): item["items/annotations"] for item in records(read(folder), "items")}
    for id_, row in manifest(folder).items():
        for label, read_back in zip(row.annotations or (), found[id_], strict=bool(row.annotations)):
            assert read_back["items/annotations/label"].decode() == label.label
            assert tuple(read_back["items/annotations/box"]) == label.box
    outlined, masked = found["red"][:2]
    assert [[*map(float, point)] for point in outlined["items/annotations/polygon"]] == [[1, 1], [9, 1], [9, 9]]
    assert [*masked["items/annotations/mask.size"]] == [24, 32]


def test_splits_and_classes_are_enumerations(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    found = read(folder)
    assert [one["splits/name"] for one in records(found, "splits")] == ["train", "val"]
    assert {one["classes/name"] for one in records(found, "classes")} == set(HOSTILE)


def test_what_nobody_said_is_not_made_up(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    warned = read(folder).metadata.ctx.issues.warnings
    assert len(warned) == len(RECOMMENDED)
    assert all(any(name in text for name in RECOMMENDED) for text in warned)
    written = json.loads((folder / "croissant.json").read_bytes())
    assert not {"license", "creator", "datePublished", "dateCreated", "dateModified", "url"} & set(written)
    assert not [key for key in written if key.startswith("rai:")]


def test_what_people_said_stands_in_it(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, ABOUT)
    metadata = read(folder).metadata
    assert metadata.license == ["https://spdx.org/licenses/CC-BY-4.0.html"]
    assert [type(creator).__name__ for creator in metadata.creators] == ["Person", "Organization"]
    assert metadata.data_biases == ["Only days.", "Only cities."]
    assert metadata.data_collection == "By hand."
    assert (metadata.version, metadata.url) == ("1.2.3", ABOUT["url"])
    assert metadata.date_published.date().isoformat() == "2026-05-01"


def test_a_changed_manifest_is_noticed(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    table = folder / "manifest.parquet"
    table.chmod(0o644)
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(mlcroissant.GenerationError) as raised:
        records(read(folder), "items")
    assert "not identical with the reference" in str(raised.value.__cause__)


def test_media_in_shards_are_the_shards(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, ABOUT, export={"format": "webdataset"})
    found = read(folder)
    assert not found.metadata.ctx.issues.warnings
    assert {one.id: one.includes for one in found.metadata.file_sets} == {"shards": ["*.tar"]}
    assert len(records(found, "items")) == len(manifest(folder))
