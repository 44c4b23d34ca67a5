"""The part of the command that starts no run: what it asks, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

from rushes.workspace import Workspace
from tests.cli.test_main import rushes
from tests.rushes.runs import png, run, settings


def made(tmp_path: Path) -> Path:
    for name in "ab":
        png(tmp_path / f"{name}.png", "red" if name == "a" else "blue")
    config = settings(Workspace(tmp_path / "work"), [{"id": name, "url": f"{name}.png"} for name in "ab"])
    run(config, Workspace(tmp_path / "work"))
    return Path(config.output_place)


def test_a_check_says_what_is_gone_and_writes_nothing(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    ended = rushes("rebuild", dataset, "--check")
    assert (ended.returncode, ended.stdout) == (0, f"{dataset}: every item is still there\n"), ended.stderr
    assert sorted(tmp_path.rglob("*")) == before
    (tmp_path / "b.png").unlink()
    ended = rushes("rebuild", dataset, "--check", "--json")
    assert ended.returncode == 1
    assert [(one["id"], one["reason"]) for one in json.loads(ended.stdout.splitlines()[-1])["lost"]] == [("b", "gone")]


def test_what_cannot_be_rebuilt_is_exit_2_and_one_line(tmp_path: Path) -> None:
    dataset = made(tmp_path)
    refused: list[tuple[list[str | Path], str]] = [
        ([dataset], "DEST"),
        ([dataset, tmp_path / "again", "--check"], "DEST"),
        ([dataset, dataset], "this is the dataset"),
        ([tmp_path, tmp_path / "again"], "no dataset"),
        ([dataset, tmp_path / "again", "--set", "export.format=coco"], "what was made before"),
    ]
    for arguments, expected in refused:
        ended = rushes("rebuild", *arguments)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
        assert expected in ended.stderr
    assert not (tmp_path / "again").exists()
