"""Rebuilds from a storage and into one."""

from __future__ import annotations

from pathlib import Path

from rushes.plan import new_run
from rushes.rebuild.begin import check_destination, pipeline_of, plan_rebuild
from rushes.rebuild.result import Rebuilt, result_of
from rushes.storage import Storage
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.runs import export, ingest_planned, png, run, settings


def again(dataset: str, destination: str, folder: Path) -> Rebuilt:
    workspace = Workspace(folder)
    config = pipeline_of(dataset, destination, str(folder))
    plan = plan_rebuild(config, workspace, new_run(), dataset)
    export(config, workspace, ingest_planned(config, workspace, plan))
    found = result_of(dataset, destination, workspace, plan.run)
    check_destination(dataset, destination, found.expected)
    return found


def test_a_dataset_is_rebuilt_from_a_storage_and_into_one(storage: Storage, place: str, tmp_path: Path) -> None:
    there = f"{place}/{Path(storage.url).name}"
    for number in range(5):
        png(tmp_path / f"{number}.png", f"#{number}00")
    label = [{"class": "dot", "box": [2, 2, 9, 9]}]
    rows = [{"id": f"p{number}", "url": f"{number}.png", "annotations": label} for number in range(6)]
    workspace = Workspace(tmp_path / "work")
    run(settings(workspace, rows, output=f"{there}/first"), workspace)
    assert again(f"{there}/first", f"{there}/second", tmp_path / "a").identical
    assert again(f"{there}/second", str(tmp_path / "third"), tmp_path / "b").identical
    assert verify_dataset(tmp_path / "third").manifest == verify_dataset(f"{there}/second").manifest
    png(tmp_path / "3.png", "white")
    found = again(str(tmp_path / "third"), f"{there}/second", tmp_path / "c")
    assert [(one.id, one.reason) for one in found.first] == [("p3", "changed")]
