"""Publishing: at every moment the output is the old dataset or the new one, and nobody else's folder is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.errors import OutputOccupiedError
from rushes.summary.publish import SUMMARY, begin, building_of, check_output, place_for, publish_dataset


def dataset(folder: Path, text: str, **summary: bool) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").write_text(text)
    (folder / SUMMARY).write_text(json.dumps({"over_limit": False} | summary))
    return folder


def built(output: Path, text: str) -> Path:
    return dataset(begin(output), text)


def test_a_new_dataset_takes_the_place_of_the_old_one_and_leaves_nothing_beside(tmp_path: Path) -> None:
    output = tmp_path / "out" / "data"
    for text in ("old", "new"):
        publish_dataset(built(output, text), output)
        assert (output / "data").read_text() == text
    assert list(output.parent.iterdir()) == [output]


def test_a_run_killed_between_the_two_renames_has_its_old_dataset_back(tmp_path: Path) -> None:
    output = tmp_path / "data"
    dataset(tmp_path / ".data.old", "old")
    begin(output)
    assert (output / "data").read_text() == "old"
    assert not (tmp_path / ".data.old").exists()


@pytest.mark.parametrize("name", ["data", "data.failed"])
def test_a_leftover_of_a_killed_run_does_not_stop_the_next(tmp_path: Path, name: str) -> None:
    output = tmp_path / "data"
    dataset(output, "old")
    dataset(tmp_path / "data.failed", "old")
    dataset(tmp_path / f".{name}.old", "older")
    dataset(building_of(output), "half")
    publish_dataset(built(output, "new"), tmp_path / name)
    assert (tmp_path / name / "data").read_text() == "new"
    assert not (tmp_path / f".{name}.old").exists()


@pytest.mark.parametrize("name", ["data", "data.failed"])
def test_what_rushes_did_not_write_is_never_touched(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputOccupiedError, match=f"{name}: holds something that rushes did not write"):
        begin(tmp_path / "data")
    assert (tmp_path / name / "thesis.tex").read_text() == "years of work"


def test_a_file_in_the_place_of_the_output_is_refused_and_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputOccupiedError):
        check_output(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty")


@pytest.mark.parametrize("fault", ["over_limit", "empty"])
def test_a_failed_run_stands_beside_a_good_dataset_and_in_the_place_of_a_bad_one(tmp_path: Path, fault: str) -> None:
    output = tmp_path / "data"
    assert place_for(output, good=False) == output
    dataset(output, "bad", **{fault: True})
    assert place_for(output, good=False) == output
    dataset(output, "good")
    assert place_for(output, good=False) == tmp_path / "data.failed"
    assert place_for(output, good=True) == output
