"""The media hash list beside a dataset: every file by its sha1, as ASC MHL's own tool reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree

from rushes.errors import ConfigError, ExporterError, OutputOccupiedError
from rushes.pipeline_file import validate
from rushes.summary.verify import verify_dataset
from tests.rushes.summary.described import dataset

MHL = "{urn:ASC:MHL:v2.0}"


def list_beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.mhl")


def parsed(path: Path) -> Any:
    return ElementTree.parse(path).getroot()


@pytest.mark.parametrize("layout", ["yolo", "webdataset"])
def test_it_lists_every_file_with_its_size_and_its_sha1(tmp_path: Path, layout: str) -> None:
    _, folder = dataset(tmp_path, export={"format": layout, "mhl": True})
    root = parsed(list_beside(folder))
    assert (root.tag, root.get("version")) == (f"{MHL}hashlist", "2.0")
    assert [child.tag for child in root] == [f"{MHL}creatorinfo", f"{MHL}processinfo", f"{MHL}hashes"]
    found = {
        one.findtext(f"{MHL}path"): (one.find(f"{MHL}path").get("size"), one.findtext(f"{MHL}sha1"))
        for one in root.iter(f"{MHL}hash")
    }
    assert found == {
        path.relative_to(folder).as_posix(): (str(path.stat().st_size), hashlib.sha1(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert verify_dataset(folder).intact


def own(tmp_path: Path, name: str) -> dict[str, object]:
    (tmp_path / "own.py").write_text(
        "from rushes.export import BaseExporter\n\n\n"
        "class Own(BaseExporter):\n"
        "    def additional_file_saving(self, export_path):\n"
        f"        (export_path / {name!r}).write_text('x')\n"
    )
    return {"format": "own:Own", "code": str(tmp_path), "mhl": True}


def test_names_that_mean_something_to_xml_are_escaped(tmp_path: Path) -> None:
    name = '<a> & "b" \']]>.txt'
    _, folder = dataset(tmp_path, export=own(tmp_path, name))
    paths = [one.text for one in parsed(list_beside(folder)).iter(f"{MHL}path")]
    assert name in paths


def test_a_name_that_xml_cannot_hold_is_said_and_leaves_no_half_list(tmp_path: Path) -> None:
    with pytest.raises(ExporterError, match=r"a\\x07b\.txt.*control characters"):
        dataset(tmp_path, export=own(tmp_path, "a\x07b.txt"))
    assert {path.name for path in (tmp_path / "work/datasets").iterdir()} == {"made"}


def test_a_second_run_replaces_it_and_what_is_none_is_left_alone(tmp_path: Path) -> None:
    _, folder = dataset(tmp_path, export={"mhl": True})
    dataset(tmp_path, export={"mhl": True})
    list_beside(folder).write_text("mine")
    with pytest.raises(OutputOccupiedError, match="no media hash list"):
        dataset(tmp_path, export={"mhl": True})
    assert list_beside(folder).read_text() == "mine"


def test_an_output_in_a_storage_has_none() -> None:
    with pytest.raises(ConfigError, match=r"export\.mhl = True: expected an output in a folder"):
        validate({"name": "x", "source": "a.csv", "output": "gs://bucket/x", "export": {"mhl": True}}, "test")
