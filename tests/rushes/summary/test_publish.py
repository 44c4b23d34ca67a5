"""Publishing: at every moment the output is the old dataset or the new one, and nobody else's folder is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rushes.errors import OutputOccupiedError, StorageError
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


@pytest.mark.parametrize(
    ("summary", "why"), [(b"{}", "of its own"), (b"[1]", "of its own"), (b"\0\0\0", "is no JSON"), (b"", "is no JSON")]
)
def test_a_summary_that_is_none_of_ours_does_not_give_a_folder_away(tmp_path: Path, summary: bytes, why: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / SUMMARY).write_bytes(summary)
    with pytest.raises(OutputOccupiedError, match=why):
        begin(tmp_path / "data")
    assert (tmp_path / "data" / SUMMARY).read_bytes() == summary


@pytest.mark.parametrize("there", ["dataset", "empty", "dangling"])
def test_a_link_is_neither_followed_nor_replaced(tmp_path: Path, there: str) -> None:
    target = tmp_path / "elsewhere"
    if there == "dataset":
        dataset(target, "old")
    elif there == "empty":
        target.mkdir()
    (tmp_path / "data").symlink_to(target)
    with pytest.raises(OutputOccupiedError, match=rf"data: is a symbolic link, to {target}"):
        begin(tmp_path / "data")
    assert (tmp_path / "data").is_symlink()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into any folder")
def test_a_folder_that_cannot_be_looked_into_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o000)
    with pytest.raises(OutputOccupiedError, match="cannot be looked into: Permission denied"):
        begin(tmp_path / "data")


def test_a_place_below_a_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((StorageError, OutputOccupiedError), match="file"):
        begin(tmp_path / "file" / "data")


def test_without_an_exchange_of_names_two_renames_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rushes.summary.publish._exchanged", lambda *_: False)
    test_a_new_dataset_takes_the_place_of_the_old_one_and_leaves_nothing_beside(tmp_path)


@pytest.mark.parametrize("fault", ["over_limit", "empty"])
def test_a_failed_run_stands_beside_a_good_dataset_and_in_the_place_of_a_bad_one(tmp_path: Path, fault: str) -> None:
    output = tmp_path / "data"
    assert place_for(output, good=False) == output
    dataset(output, "bad", **{fault: True})
    assert place_for(output, good=False) == output
    dataset(output, "good")
    assert place_for(output, good=False) == tmp_path / "data.failed"
    assert place_for(output, good=True) == output
