"""Whole runs, one after the other, whose sources bring other classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rushes.config import Pipeline
from rushes.errors import ClassesError
from rushes.workspace import Workspace
from tests.rushes.runs import png, run, settings


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def pipeline(workspace: Workspace, *names: str, **export: Any) -> Pipeline:
    """Returns a pipeline over one picture for each class, and one that is missing."""
    rows = []
    for name in names:
        png(workspace.root.parent / f"{name}.png", "red", (30 + ord(name[0]) % 40, 24))
        rows.append({"url": f"{name}.png", "annotations": [{"class": name, "box": [1, 1, 9, 9]}]})
    return settings(workspace, [*rows, {"url": "gone.png", "label": "lost"}], export=export)


def classes(config: Pipeline) -> tuple[list[str], list[str]]:
    """Returns the classes that a dataset has, as training and the next run read them."""
    output = Path(config.output_place)
    names = (output / "classes.txt").read_text().splitlines()
    return names, json.loads((output / "export_summary.json").read_text())["classes"]


def test_a_source_that_changes_its_order_does_not_change_a_dataset_unseen(workspace: Workspace) -> None:
    first = pipeline(workspace, "car", "bus")
    run(first, workspace)
    before = {path: path.read_bytes() for path in Path(first.output_place).rglob("*") if path.is_file()}
    with pytest.raises(ClassesError, match=r"other numbers: car 0 → 1, bus 1 → 0.*classes: \[car, bus, lost\]"):
        run(pipeline(workspace, "bus", "car"), workspace)
    assert {path: path.read_bytes() for path in before} == before
    kept = pipeline(workspace, "bus", "car", classes=["car", "bus", "lost"])
    run(kept, workspace)
    assert classes(kept) == (["car", "bus", "lost"],) * 2
    told = pipeline(workspace, "bus", "car", allow_class_drift=True)
    run(told, workspace)
    assert classes(told) == (["bus", "car", "lost"],) * 2


def test_new_classes_at_the_end_need_a_word_too(workspace: Workspace) -> None:
    run(pipeline(workspace, "car", drop_classes=["lost"]), workspace)
    with pytest.raises(ClassesError, match="new: bus"):
        run(pipeline(workspace, "car", "bus", drop_classes=["lost"]), workspace)
    told = pipeline(workspace, "car", "bus", drop_classes=["lost"], allow_class_drift="append")
    run(told, workspace)
    assert classes(told) == (["car", "bus"],) * 2


def test_a_dataset_of_an_earlier_release_is_read_off_its_own_files(workspace: Workspace) -> None:
    first = pipeline(workspace, "car", "bus")
    run(first, workspace)
    summary = Path(first.output_place) / "export_summary.json"
    content = json.loads(summary.read_text())
    del content["classes"]
    summary.write_text(json.dumps(content))
    with pytest.raises(ClassesError, match="other numbers"):
        run(pipeline(workspace, "bus", "car"), workspace)


@pytest.mark.parametrize(
    ("required", "expected"),
    [("bike", "'bike': it is none of the classes; there are car, lost"), ("lost", "no label of lost came into")],
)
def test_a_required_class_that_is_missing_fails_the_run_and_leaves_the_old_dataset(
    workspace: Workspace, required: str, expected: str
) -> None:
    run(pipeline(workspace, "car", required_classes=["car"]), workspace)
    config = pipeline(workspace, "car", required_classes=[required])
    before = (Path(config.output_place) / "export_summary.json").read_bytes()
    with pytest.raises(ClassesError, match=expected):
        run(config, workspace)
    assert (Path(config.output_place) / "export_summary.json").read_bytes() == before


def test_a_required_class_into_which_nothing_goes_is_refused(workspace: Workspace) -> None:
    config = pipeline(workspace, "car", classes={"vehicle": ["car"], "animal": ["dog"]}, required_classes=["animal"])
    with pytest.raises(ClassesError, match="'animal': no label of the source goes into it"):
        run(config, workspace)
