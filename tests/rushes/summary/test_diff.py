"""Two manifests: every kind of difference, alone and together, and in little memory."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from rushes.errors import ConfigError
from rushes.jsonl import write_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow
from rushes.summary.diff import KINDS, Diff, diff_datasets, diff_manifests
from rushes.workspace import Workspace
from tests.rushes.runs import png, run, settings

CAR = Annotation("car", box=(1, 2, 3, 4))
ROWS = [
    ManifestRow(
        name, f"https://example.org/{name}", "ok", "export", sha256=name * 64, split="train", annotations=(CAR,)
    )
    for name in "abcd"
]


def compared(tmp_path: Path, old: list[ManifestRow], new: list[ManifestRow], shown: int = 20) -> Diff:
    for name, rows in (("old", old), ("new", new)):
        write_lines(tmp_path / name / "manifest.jsonl", rows)
    return diff_datasets(tmp_path / "old", tmp_path / "new", shown)


def counted(found: Diff) -> dict[str, int]:
    return {kind: count for kind, count in found.counts.items() if count}


def test_the_same_rows_in_another_order_do_not_differ(tmp_path: Path) -> None:
    found = compared(tmp_path, ROWS, ROWS[::-1])
    assert (found.same, found.rows, found.classes) == (True, (4, 4), {})


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({"sha256": "e" * 64}, ["content"]),
        ({"source_sha256": "e" * 64}, ["content"]),
        ({"annotations": (replace(CAR, box=(1, 2, 3, 5)),)}, ["labels"]),
        ({"annotations": None}, ["labels"]),
        ({"annotations": ()}, ["labels"]),
        ({"split": "val"}, ["split"]),
        ({"status": "failed", "sha256": None, "error_code": "timeout"}, ["status"]),
        ({"group": "g"}, ["attributes"]),
        ({"attributes": {"weather": "rain"}}, ["attributes"]),
        ({"source": "https://example.org/moved"}, ["attributes"]),
        ({"sha256": "e" * 64, "split": "val", "annotations": ()}, ["content", "labels", "split"]),
        ({"attempts": 3, "path": "images/other.jpg", "elapsed_s": 1.0}, []),
    ],
)
def test_each_change_is_one_of_its_kind(tmp_path: Path, change: dict[str, Any], kinds: list[str]) -> None:
    found = compared(tmp_path, ROWS, [ROWS[0], replace(ROWS[1], **change), *ROWS[2:]])
    assert counted(found) == dict.fromkeys(kinds, 1)
    assert (found.differ, found.same) == (int(bool(kinds)), not kinds)
    assert {kind: ids for kind, ids in found.first.items() if ids} == dict.fromkeys(kinds, ("b",))


def test_a_status_whose_code_is_another_one_differs(tmp_path: Path) -> None:
    old = [replace(ROWS[0], status="failed", error_code="timeout")]
    assert counted(compared(tmp_path, old, [replace(old[0], error_code="connection")])) == {"status": 1}


def test_rows_come_and_go_with_their_labels_and_the_first_are_named(tmp_path: Path) -> None:
    new = [*ROWS[:2], *(replace(ROWS[0], id=name, annotations=(CAR, replace(CAR, label="bus"))) for name in "xyz")]
    found = compared(tmp_path, ROWS, new, shown=2)
    assert counted(found) == {"added": 3, "vanished": 2}
    assert (found.first["added"], found.first["vanished"]) == (("x", "y"), ("c", "d"))
    assert found.classes == {"bus": (0, 3), "car": (4, 5)}
    assert (found.differ, found.rows) == (5, (4, 5))


def test_labels_are_told_apart_by_class(tmp_path: Path) -> None:
    bus, moved = replace(CAR, label="bus"), replace(CAR, box=(2, 2, 3, 4))
    old = [replace(ROWS[0], annotations=(CAR, bus, bus)), ROWS[1], replace(ROWS[2], annotations=None), ROWS[3]]
    new = [replace(ROWS[0], annotations=(bus, moved, CAR)), replace(ROWS[1], annotations=(bus,)), ROWS[2]]
    new.append(replace(ROWS[3], status="failed", error_code="timeout", annotations=None))
    new.append(replace(ROWS[0], id="new", annotations=(moved, moved)))
    found = compared(tmp_path, old, new)
    counts = {name: (one.added, one.vanished, one.changed) for name, one in found.labels.items()}
    # car: moved in a, gone in b and d, new in c and twice in the new one; bus: gone from a, in the place of car in b
    assert counts == {"bus": (1, 1, 0), "car": (4, 2, 0)}
    assert found.classes == {"car": (3, 5)}
    boxes = compared(tmp_path, ROWS, [replace(ROWS[0], annotations=(moved,)), *ROWS[1:]])
    assert (boxes.labels["car"].changed, boxes.labels["car"].added, boxes.classes) == (1, 0, {})
    gone = compared(tmp_path, ROWS, ROWS[:1])
    assert (gone.labels["car"].vanished, gone.classes) == (3, {"car": (4, 1)})


def test_memory_does_not_grow_with_what_stands_in_the_rows(tmp_path: Path) -> None:
    rows = 5000
    for name in ("old", "new"):
        write_lines(
            tmp_path / name,
            (replace(ROWS[0], id=f"item-{number}", attributes={"note": name * 700}) for number in range(rows)),
        )
    assert (tmp_path / "old").stat().st_size > 2000 * rows
    tracemalloc.start()
    try:
        found = diff_manifests(tmp_path / "old", tmp_path / "new")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert counted(found) == {"attributes": rows}
    assert peak < 400 * rows


def test_a_folder_that_is_no_dataset_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dataset"):
        diff_datasets(tmp_path, tmp_path)


def test_a_run_says_what_differs_from_the_dataset_before_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    for name in ("red", "green", "blue"):
        png(tmp_path / f"{name}.png", name)
    label = {"class": "x", "box": [1, 1, 5, 5]}
    rows = [{"id": name, "url": f"{name}.png", "split": "train", "annotations": [label]} for name in ("red", "green")]
    config = settings(workspace, rows)
    run(config, workspace)
    assert summary(Path(config.output_place))["since"] is None
    kept = shutil.copytree(Path(config.output_place), tmp_path / "kept")
    png(tmp_path / "green.png", "white")
    more = {"id": "blue", "url": "blue.png", "split": "val", "annotations": []}
    run(settings(workspace, [{**rows[0], "annotations": [label, label]}, rows[1], more]), workspace)
    found = diff_datasets(kept, Path(config.output_place))
    assert counted(found) == {"added": 1, "content": 1, "labels": 1}
    since = summary(Path(config.output_place))["since"]
    assert since["run"] == summary(kept)["run"]
    assert since["counts"] == found.counts
    assert (since["differ"], since["rows"], since["classes"]) == (3, [2, 3], {"x": [2, 3]})


def test_an_old_dataset_that_cannot_be_read_stops_no_run(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    png(tmp_path / "red.png", "red")
    config = settings(workspace, [{"url": "red.png"}])
    run(config, workspace)
    (Path(config.output_place) / "manifest.jsonl").write_text("{torn")
    run(config, workspace)
    assert summary(Path(config.output_place))["since"] is None


def summary(dataset: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((dataset / "export_summary.json").read_bytes())
    return found


def test_every_kind_has_its_words() -> None:
    from cli.look import _KINDS

    assert tuple(_KINDS) == KINDS
