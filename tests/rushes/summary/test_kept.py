"""A second export touches what changed, and nothing else; what stands there is never written through."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rushes.export.kept import linked
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import png, run, settings

TIMED = {"export_summary.json", "report.html"}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def start(workspace: Workspace, names: Sequence[str], box: int = 9, failed: float = 1, **export: Any) -> Path:
    """Runs a pipeline over pictures, of which one has a box of this size."""
    for name in names:
        png(workspace.root.parent / f"{name}.png", "red", (40 + ord(name[0]), 24))
    rows: list[dict[str, object]] = [
        {
            "id": name,
            "url": f"{name}.png",
            "annotations": [{"class": "car", "box": [1, 1, box if name == "b" else 9, 9]}],
        }
        for name in names
    ]
    more = [{"url": "gone.png"}] if failed < 1 else []
    config = settings(workspace, [*rows, *more], export=export, run={"max_failed": failed})
    run(config, workspace)
    return Path(config.output_place)


def states(dataset: Path) -> dict[str, tuple[int, int, int]]:
    """Returns what tells of each file whether it was touched."""
    found = {path.relative_to(dataset).as_posix(): path.stat() for path in dataset.rglob("*") if path.is_file()}
    return {name: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def touched(before: dict[str, tuple[int, int, int]], after: dict[str, tuple[int, int, int]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


@pytest.mark.parametrize("mode", ["auto", "copy", "link"])
@pytest.mark.parametrize("layout", ["yolo", "coco", "voc", "imagefolder", "webdataset", "csv"])
def test_an_export_of_the_same_touches_nothing(workspace: Workspace, layout: str, mode: str) -> None:
    dataset = start(workspace, "abc", format=layout, media=mode)
    before = states(dataset)
    for _ in range(2):
        start(workspace, "abc", format=layout, media=mode)
        assert touched(before, states(dataset)) <= TIMED
        assert verify_dataset(dataset).intact


def test_one_label_that_changed_touches_its_file_and_what_lists_it(workspace: Workspace) -> None:
    dataset = start(workspace, "abc", split={"train": 1.0})
    before = states(dataset)
    start(workspace, "abc", box=5, split={"train": 1.0})
    lists = {"manifest.jsonl", "manifest.parquet", "sources.jsonl", "checksums.sha256", "croissant.json", "stats.json"}
    assert touched(before, states(dataset)) - TIMED - {"stats.json"} == {"labels/train/b.txt"} | lists - {"stats.json"}
    before = states(dataset)
    start(workspace, "abcd", box=5, split={"train": 1.0})
    found = touched(before, states(dataset)) - TIMED - lists
    assert found == {"labels/train/d.txt", "images/train/d.png", "file_index.json", "README.md"}


def test_what_somebody_changed_by_hand_is_written_anew(workspace: Workspace) -> None:
    dataset = start(workspace, "abc", split={"train": 1.0}, media="copy")
    label, picture = dataset / "labels/train/a.txt", dataset / "images/train/a.png"
    right = {path: path.read_bytes() for path in (label, picture)}
    label.write_bytes(bytes(reversed(right[label])))
    picture.write_bytes(bytes(reversed(right[picture])))
    os.utime(label, ns=(0, 0))
    start(workspace, "abc", split={"train": 1.0}, media="copy")
    assert {path: path.read_bytes() for path in right} == right


def test_a_failed_run_that_stands_beside_shares_nothing_that_can_be_written(workspace: Workspace) -> None:
    good = start(workspace, "abc")
    start(workspace, "abc", failed=0.01)
    failed = good.with_name(f"{good.name}.failed")
    before = {path: path.read_bytes() for path in good.rglob("*") if path.is_file()}
    for path in failed.rglob("*"):
        if path.is_file() and path.stat().st_mode & 0o222:
            path.write_bytes(b"mended by hand")
    assert {path: path.read_bytes() for path in before} == before
    assert verify_dataset(good).intact


def test_caches_that_a_training_left_are_gone(workspace: Workspace) -> None:
    dataset = start(workspace, "abc", split={"train": 1.0})
    (dataset / "labels/train.cache").write_bytes(b"old paths and sizes")
    (dataset / "labels/train/x.cache").write_bytes(b"old paths and sizes")
    start(workspace, "abc", split={"train": 1.0})
    assert [*dataset.rglob("*.cache")] == []


def test_the_files_of_an_exporter_of_the_users_own_stay_too(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "own_kept.py").write_text(
        "import json\nfrom rushes.export import BaseExporter\nclass Own(BaseExporter):\n"
        "    def additional_file_saving(self, export_path):\n"
        "        (export_path / 'list.json').write_text(json.dumps(['x']))\n"
    )
    own: dict[str, Any] = {"format": "own_kept:Own", "code": str(tmp_path)}
    dataset = start(workspace, "abc", **own)
    before = states(dataset)
    start(workspace, "abc", **own)
    assert touched(before, states(dataset)) <= TIMED
    assert json.loads((dataset / "list.json").read_text()) == ["x"]


def test_a_batch_that_is_run_again_takes_files_over_again(tmp_path: Path) -> None:
    old, new = tmp_path / "old.txt", tmp_path / "new.txt"
    old.write_text("same")
    assert linked(old, new)
    assert linked(old, new)
    assert new.samefile(old)
    new.unlink()
    new.write_text("half of it")
    assert linked(old, new)
    assert new.read_text() == "same"
