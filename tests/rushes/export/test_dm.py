from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rushes.export.batch import export_batch, finish
from rushes.formats.dm import load, migrate_v2_to_v1, read
from rushes.jsonl import encode, read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow, Media, Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import HEIGHT, WIDTH, batch, image, pipeline, video

CLASSES = ("car", "person", "next to")
RING = ((4.0, 8.0), (44.0, 8.0), (44.0, 60.0))
POINTS = ((10.0, 10.0, 2.0), (0.0, 0.0, 0.0), (30.0, 12.0, 1.0))

V1: dict[str, Any] = {
    "annotations": {
        "image_4": [
            {"id": "box", "tool": "bounding_box", "isLocked": True, "classification": {"class": "car"}},
            {"id": "ask", "tool": "prompt", "classification": None},
        ]
    },
    "annotationsData": {
        "image_4": [
            {"id": "box", "coordinate": {"x": 1, "y": 2, "width": 30, "height": 40}},
            {"id": "ask", "tool": "prompt", "input": [{"type": "text", "value": "What?"}]},
        ]
    },
    "extra": {"image_4": {"width": WIDTH, "height": HEIGHT}},
    "project": 7,
}


def export(workspace: Workspace, media: list[Media], data: Path, name: str = "dm") -> dict[str, ManifestRow]:
    settings = pipeline(workspace, export={"format": name})
    plan = batch(workspace, media, "0000", data.name)
    export_batch(settings, workspace, plan, data, CLASSES)
    finish(settings, workspace, data.name, [plan.name], data, CLASSES)
    rows = read_lines(workspace.run(data.name) / "export" / "0000.rows.jsonl", ManifestRow)
    return {row.id: row for row in rows}


@pytest.mark.parametrize("name", ["dm", "dm-v1"])
def test_what_is_exported_is_read_again(workspace: Workspace, tmp_path: Path, name: str) -> None:
    labels = (
        Annotation("car", box=(1, 2, 30, 40), rotation=0.5, id="a", attributes={"colour": "red"}, occluded=True),
        Annotation("person", polygon=RING, id="b", keypoints=POINTS),
        Annotation("car", polyline=RING, id="c"),
        Annotation("next to", relation=("a", "b"), id="r"),
    )
    media = [
        image(workspace, Source("one", "a.png", annotations=labels, split="train")),
        image(workspace, Source("two", "b.jpg", annotations=(), split="val"), suffix=".jpg"),
        image(workspace, Source("three", "c.png", split="test")),
    ]
    export(workspace, media, tmp_path / "data", name)
    found = read(tmp_path / "data")
    assert [(category.name, category.keypoints) for category in found.categories] == [
        ("car", ()),
        ("person", ("keypoint_1", "keypoint_2", "keypoint_3")),
        ("next to", ()),
    ]
    three, one, two = found.items
    assert (one.id, one.split, one.path) == ("one", "train", "train/original_files/one.png")
    assert (one.width, one.height) == (WIDTH, HEIGHT)
    assert sorted(one.annotations, key=lambda label: label.id or "") == list(labels)
    assert (two.split, two.labelled, two.annotations) == ("val", True, ())
    assert (three.split, three.labelled) == ("test", False)


def test_an_item_that_came_from_dm_goes_back_whole(workspace: Workspace, tmp_path: Path) -> None:
    source = _source(tmp_path)
    media = [image(workspace, source)]
    rows = export(workspace, media, tmp_path / "v1", "dm-v1")
    assert json.loads((tmp_path / "v1/train/json/0.json").read_bytes()) == V1
    assert rows["0"].dropped == {}
    export(workspace, media, tmp_path / "v2")
    whole = load((tmp_path / "v2/train/json/0.json").read_bytes(), "0.json")
    assert encode(migrate_v2_to_v1(whole)) == encode(V1)


def test_what_only_dm_can_say_is_counted_in_other_formats(workspace: Workspace, tmp_path: Path) -> None:
    rows = export(workspace, [image(workspace, _source(tmp_path))], tmp_path / "data", "coco")
    assert rows["0"].dropped == {"prompt_unsupported": 1}
    assert "_dm" not in rows["0"].attributes


def _source(folder: Path) -> Source:
    (folder / "in/json").mkdir(parents=True)
    (folder / "in/json/0.json").write_text(json.dumps(V1))
    [item] = read(folder / "in").items
    assert item.annotations == (Annotation("car", box=(1, 2, 30, 40), id="box"),)
    return Source("0", "0.png", annotations=item.annotations, attributes=item.attributes, split="train")


def test_a_video_is_whole_with_its_boxes_by_frame(workspace: Workspace, tmp_path: Path) -> None:
    labels = tuple(
        Annotation("car", box=(x, 2.0, 30.0, 40.0), frame=frame, track="t") for frame, x in ((3, 1.0), (7, 5.0))
    )
    export(workspace, [video(workspace, Source("clip", "c.mp4", annotations=labels, split="train"))], tmp_path / "data")
    document = load((tmp_path / "data/train/json/clip.json").read_bytes(), "clip.json")
    [box] = document["annotation_data"]["videos"][0]["bounding_box"]
    assert box["data"] == [1, 2, 30, 40]
    [item] = read(tmp_path / "data").items
    assert [(label.box, label.frame, label.track) for label in item.annotations] == [
        ((1, 2, 30, 40), 3, "t"),
        ((5, 2, 30, 40), 7, "t"),
    ]
