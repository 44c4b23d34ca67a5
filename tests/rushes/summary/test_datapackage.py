"""`datapackage.json`: valid to frictionless, which reads the manifest by it, row by row and type by type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import frictionless
import pytest
from msgspec.json import decode

from tests.rushes.runs import manifest
from tests.rushes.summary.described import ABOUT, dataset


def validated(folder: Path) -> Any:
    return frictionless.validate(str(folder / "datapackage.json"))


@pytest.mark.parametrize("layout", ["yolo", "coco", "voc", "imagefolder", "webdataset", "csv"])
def test_frictionless_finds_nothing_wrong_and_reads_all_rows(tmp_path: Path, layout: str) -> None:
    _, folder = dataset(tmp_path, ABOUT, export={"format": layout, "datapackage": True})
    report = validated(folder)
    assert report.valid, report.flatten(["type", "message"])
    table: Any = frictionless.Package(str(folder / "datapackage.json")).get_resource("manifest")
    rows = [dict(row) for row in table.read_rows()]
    assert rows == [decode(line) for line in (folder / "manifest.jsonl").read_bytes().splitlines()]
    assert len(rows) == len(manifest(folder))


def test_every_document_is_a_resource_with_its_digest(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, export={"format": "coco", "datapackage": True})
    paths = {one["path"] for one in json.loads((folder / "datapackage.json").read_bytes())["resources"]}
    assert paths == {
        *("README.md", "classes.txt", "croissant.json", "dataset.yaml", "failures.jsonl", "file_index.json"),
        *("annotations/instances_train.json", "annotations/instances_val.json"),
        *("manifest.jsonl", "manifest.parquet", "rebuild.json", "sources.jsonl", "stats.json"),
    }
    (folder / "manifest.jsonl").chmod(0o644)
    (folder / "manifest.jsonl").write_bytes((folder / "manifest.jsonl").read_bytes().replace(b'"red"', b'"rod"'))
    assert [kind for (kind,) in validated(folder).flatten(["type"])] == ["hash-count"]


def test_what_people_said_stands_in_it_and_nothing_else(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path / "said", ABOUT, export={"datapackage": True})
    said = json.loads((folder / "datapackage.json").read_bytes())
    assert said["licenses"] == [{"name": "CC-BY-4.0", "path": "https://spdx.org/licenses/CC-BY-4.0.html"}]
    assert [one["title"] for one in said["contributors"]] == ["Ada | Lovelace", "Lab"]
    assert (said["version"], said["homepage"]) == ("1.2.3", ABOUT["url"])
    _, folder = dataset(tmp_path / "unsaid", export={"datapackage": True})
    unsaid = json.loads((folder / "datapackage.json").read_bytes())
    assert {*said} - {*unsaid} == {"licenses", "contributors", "version", "homepage", "keywords"}


def test_without_the_key_there_is_none(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path)
    assert not (folder / "datapackage.json").exists()
