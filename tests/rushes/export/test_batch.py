from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
import yaml
from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.export.batch import export_batch, finish
from rushes.jsonl import read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow, Outcome, Rejection, Source, WrittenFile
from rushes.sniff import sniff
from rushes.workspace import Workspace
from tests.rushes.export.makers import batch, image, on_frame, pipeline, video
from tests.ultralytics_rules import check_dataset, rows_of

CLASSES = ("car", "square", "bus")


def export(
    settings: Pipeline, workspace: Workspace, batches: Sequence[Sequence[Outcome]], building: Path
) -> tuple[list[ManifestRow], list[WrittenFile]]:
    """Exports outcomes in these batches; returns all rows, and all files that were written."""
    plans = [batch(workspace, outcomes, f"{number:04d}", building.name) for number, outcomes in enumerate(batches)]
    for plan in plans:
        export_batch(settings, workspace, plan, building, CLASSES)
    finished = finish(settings, workspace, building.name, [plan.name for plan in plans], building, CLASSES)
    folder = workspace.run(building.name) / "export"
    rows = [row for plan in plans for row in read_lines(folder / f"{plan.name}.rows.jsonl", ManifestRow)]
    files = [file for plan in plans for file in read_lines(folder / f"{plan.name}.files.jsonl", WrittenFile)]
    return rows, files + finished


@pytest.fixture
def outcomes(workspace: Workspace) -> list[Outcome]:
    """Everything that a source can bring: labelled, empty, unlabelled, grouped, a video, and one that failed."""
    box = Annotation("car", box=(10, 10, 50, 40))
    outline = Annotation("bus", polygon=((0, 0), (40, 0), (40, 30)))
    return [
        image(workspace, Source("a", "https://host/a.png", annotations=(box, outline), split="train")),
        image(workspace, Source("b/c", "https://host/b/c.jpg", annotations=(), split="val"), suffix=".jpg"),
        image(workspace, Source("b_c", "https://host/b_c.png", split="train")),
        Rejection(
            Source("gone", "https://me:pw@host/gone?token=hush"), "download", "failed", "http_status", "404", attempts=2
        ),
        video(workspace, Source("v", "https://host/v.mp4", annotations=tuple(map(on_frame, range(8))), group="g")),
        image(workspace, Source("d", "https://host/d.png", annotations=(box,), label="car", split="val")),
    ]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_one_batch_or_three_give_the_same_dataset(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path, name: str
) -> None:
    settings = pipeline(workspace, frames="annotated", export={"format": name})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    rows, files = export(settings, workspace, [outcomes], whole)
    assert export(settings, workspace, [outcomes[:1], outcomes[1:5], outcomes[5:]], cut) == (rows, files)
    assert snapshot(cut) == snapshot(whole)
    assert {file.path: (file.sha256, file.size_bytes) for file in files} == {
        path: (hashlib.sha256(content).hexdigest(), len(content)) for path, content in snapshot(whole).items()
    }


@pytest.mark.parametrize("mode", ["auto", "copy", "link"])
def test_a_batch_that_runs_again_writes_the_same(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path, mode: str
) -> None:
    settings = pipeline(workspace, frames={"every_s": 0.5}, export={"media": mode})
    plan = batch(workspace, outcomes)
    tallies, contents = [], []
    for _ in range(2):
        tallies.append(export_batch(settings, workspace, plan, tmp_path / "data", CLASSES))
        contents.append(snapshot(tmp_path / "data") | snapshot(workspace.run("run") / "export"))
    assert contents[0] == contents[1]
    assert replace(tallies[0], elapsed_s=0) == replace(tallies[1], elapsed_s=0)
    sizes = sum(len(content) for content in snapshot(tmp_path / "data").values())
    assert (tallies[0].items, tallies[0].done, tallies[0].size_bytes) == (6, 8, sizes)


def test_a_yolo_dataset_is_one_that_ultralytics_takes(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    export(pipeline(workspace, frames="annotated"), workspace, [outcomes], data)
    assert check_dataset(data / "dataset.yaml") == []
    content = yaml.safe_load((data / "dataset.yaml").read_text())
    assert content == {
        "train": "images/train",
        "val": "images/val",
        "nc": 3,
        "names": {0: "car", 1: "square", 2: "bus"},
    }
    assert (data / "classes.txt").read_text() == "car\nsquare\nbus\n"
    assert len(rows_of(data / "images/train/a.png")) == 2


def test_an_empty_label_file_means_that_nothing_is_there_and_none_that_nobody_looked(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path
) -> None:
    rows, _ = export(pipeline(workspace, frames="annotated"), workspace, [outcomes], tmp_path / "data")
    paths = {row.id: row.path or "" for row in rows}
    labels = {name: tmp_path / "data" / paths[name].replace("images", "labels") for name in ("b/c", "b_c")}
    assert labels["b/c"].with_suffix(".txt").read_bytes() == b""
    assert not labels["b_c"].with_suffix(".txt").exists()
    assert {row.id: row.annotations for row in rows if row.id in labels} == {"b/c": (), "b_c": None}


def test_rows_tell_what_became_of_each_item_in_order(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path
) -> None:
    rows, _ = export(pipeline(workspace, frames={"every_s": 1.0}), workspace, [outcomes], tmp_path / "data")
    assert [row.id for row in rows] == ["a", "b/c", "b_c", "gone", "v", "v-f000000", "v-f000010", "d"]
    found = {row.id: row for row in rows}
    assert (found["gone"].status, found["gone"].error_code, found["gone"].attempts) == ("failed", "http_status", 2)
    assert "hush" not in found["gone"].source
    assert "pw" not in found["gone"].source
    video_row, frame = found["v"], found["v-f000000"]
    assert (video_row.path, video_row.sha256, video_row.media_type) == (None, None, "video/mp4")
    assert (frame.parent, frame.frame, frame.time_s, frame.media_type) == ("v", 0, 0.0, "image/jpeg")
    assert (frame.split, frame.group) == (video_row.split, "g")
    assert frame.source_sha256 == video_row.source_sha256
    assert frame.annotations == (replace(on_frame(0), frame=None),)
    assert video_row.dropped == {"frame_not_taken": 7}
    assert found["a"].dropped == {"polygon_unsupported": 1}
    assert found["d"].dropped == {"item_label_unsupported": 1}
    assert found["d"].annotations == (Annotation("car", box=(10, 10, 50, 40)), Annotation("car"))
    assert {row.elapsed_s for row in rows} == {None}


@pytest.mark.parametrize("layout", ["yolo", "coco"])
def test_frames_are_png_where_asked_for_beside_jpegs_of_an_earlier_export(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path, layout: str
) -> None:
    found = {}
    for kind in ("jpeg", "png"):
        frames, data = {"every_s": 1.0, "format": kind}, tmp_path / kind
        rows, _ = export(pipeline(workspace, frames=frames, export={"format": layout}), workspace, [outcomes], data)
        found[kind] = {row.id: row for row in rows if row.parent == "v"}
        for row in found[kind].values():
            content = (data / (row.path or "")).read_bytes()
            assert sniff(data / (row.path or "")).media_type == row.media_type == f"image/{kind}"
            assert (row.sha256, row.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    suffixes = {kind: {PurePosixPath(row.path or "").suffix for row in found[kind].values()} for kind in found}
    assert suffixes == {"jpeg": {".jpg"}, "png": {".png"}}
    assert [row.annotations for row in found["png"].values()] == [row.annotations for row in found["jpeg"].values()]
    if layout == "coco":
        split = found["png"]["v-f000000"].split
        document = json.loads((tmp_path / f"png/annotations/instances_{split}.json").read_bytes())
        assert "v-f000000.png" in [picture["file_name"] for picture in document["images"]]
    else:
        assert check_dataset(tmp_path / "png" / "dataset.yaml") == []


def test_classes_merge_and_vanish_before_anything_is_counted(
    workspace: Workspace, outcomes: list[Outcome], tmp_path: Path
) -> None:
    settings = pipeline(workspace, frames="annotated", export={"classes": {"vehicle": ["car", "bus"]}})
    rows, _ = export(settings, workspace, [outcomes], tmp_path / "data")
    found = {row.id: row for row in rows}
    assert [label.label for label in found["a"].annotations or ()] == ["vehicle", "vehicle"]
    assert found["v"].dropped == {"class_not_listed": 8}
    assert not any(row.parent for row in rows)
    assert (tmp_path / "data" / "classes.txt").read_text() == "vehicle\n"
    assert check_dataset(tmp_path / "data" / "dataset.yaml") == []


def test_an_item_that_fails_fails_alone(workspace: Workspace, tmp_path: Path) -> None:
    torn = video(workspace, Source("torn", "torn.mp4"))
    workspace.path(torn.path).write_bytes(b"\0\0\0\x18ftypmp42" + bytes(400))
    later = image(workspace, Source("later", "later.png", annotations=(on_frame(2),), origin="items.csv:4"))
    fine = image(workspace, Source("fine", "fine.png", annotations=()))
    settings = pipeline(workspace, frames={"every_s": 1.0})
    rows, _ = export(settings, workspace, [[torn, later, fine]], tmp_path / "data")
    assert [(row.id, row.status, row.stage, row.error_code) for row in rows] == [
        ("torn", "quarantined", "export", "corrupt_media"),
        ("later", "failed", "export", "bad_annotation"),
        ("fine", "ok", "export", None),
    ]
    assert (rows[1].error or "").startswith("items.csv:4: ")


def test_a_video_in_a_dataset_of_images_is_skipped_and_says_what_to_set(workspace: Workspace, tmp_path: Path) -> None:
    media = video(workspace, Source("v", "v.mp4"), frames=2)
    (row,), _ = export(pipeline(workspace), workspace, [[media]], tmp_path / "data")
    assert (row.status, row.error_code) == ("skipped", "needs_frames")
    assert "every_s" in (row.error or "")


def test_splits_without_images_are_still_there(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    media = image(workspace, Source("a", "a.png", annotations=(), split="test"))
    export(pipeline(workspace), workspace, [[media]], tmp_path / "data")
    assert check_dataset(tmp_path / "data" / "dataset.yaml") == []
    assert "no image is in split train" in caplog.text
    assert "images/test" in (tmp_path / "data" / "dataset.yaml").read_text()


def test_parts_hold_no_more_than_the_end_needs(workspace: Workspace, outcomes: list[Outcome], tmp_path: Path) -> None:
    export(pipeline(workspace, frames="annotated"), workspace, [outcomes], tmp_path / "data")
    lines = (workspace.run("data") / "export" / "0000.parts.jsonl").read_text().splitlines()
    assert [json.loads(line)[0] for line in lines] == ["split"] * 12
