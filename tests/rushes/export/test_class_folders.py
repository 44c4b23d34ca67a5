"""Folders of classes as a pipeline and a conversion write them."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PIL import Image

from rushes.convert import convert
from rushes.datasets import read_dataset
from rushes.errors import StrictError
from rushes.export.batch import export_batch
from rushes.jsonl import read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow, Media, Source
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.rushes.export.makers import batch, image, pipeline, video
from tests.rushes.export.test_folders import export as exported
from tests.rushes.runs import manifest, png, run, settings

CLASSES = ("zebra", "cat", "a/b")
BOX = Annotation("cat", box=(10, 10, 50, 40))


def export(workspace: Workspace, media: list[Media], data: Path) -> dict[str, ManifestRow]:
    """Exports each item in a batch of its own."""
    return exported(workspace, [[item] for item in media], data, "yolo-cls", CLASSES)


def one(workspace: Workspace, identity: str, *annotations: Annotation, label: str | None = None) -> Media:
    return image(workspace, Source(identity, "a.png", label=label, annotations=annotations, split="train"))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_an_image_stands_in_the_folder_of_its_class(workspace: Workspace, tmp_path: Path) -> None:
    media = [one(workspace, "a", label="cat"), one(workspace, "b", Annotation("zebra"))]
    rows = export(workspace, media, tmp_path / "data")
    assert files(tmp_path / "data") == ["train/cat/a.png", "train/zebra/b.png"]
    assert [row.path for row in rows.values()] == ["train/cat/a.png", "train/zebra/b.png"]
    assert [row.dropped for row in rows.values()] == [{}, {}]


def test_what_has_no_class_or_several_stays_out_and_is_counted(workspace: Workspace, tmp_path: Path) -> None:
    media = [
        one(workspace, "none"),
        one(workspace, "box", BOX),
        one(workspace, "both", Annotation("cat"), label="zebra"),
        one(workspace, "in", BOX, Annotation("cat", attributes={"fur": "long"}, track="7", occluded=True), label="cat"),
    ]
    rows = export(workspace, media, tmp_path / "data")
    assert files(tmp_path / "data") == ["train/cat/in.png"]
    assert {key: row.dropped for key, row in rows.items()} == {
        "none": {"item_without_class": 1},
        "box": {"item_without_class": 1, "place_unsupported": 1},
        "both": {"item_without_class": 1},
        "in": {f"{what}_unsupported": 1 for what in ("attributes", "flags", "place", "track")},
    }
    assert [row.path for row in rows.values()] == [None, None, None, "train/cat/in.png"]
    assert [(row.status, row.error_code) for row in rows.values()] == [("skipped", "needs_class")] * 3 + [("ok", None)]
    assert [row.error for row in rows.values()][:3] == [
        "none: an image of no class as a whole; expected one, whose folder it stands in.",
        "box: an image of no class as a whole; expected one, whose folder it stands in.",
        "both: an image of 2 classes as a whole: cat, zebra; expected one, whose folder it stands in.",
    ]


def test_a_class_that_is_no_name_of_a_folder_never_leads_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = export(workspace, [one(workspace, "a", label="a/b")], tmp_path / "data")
    (found,) = files(tmp_path / "data")
    folder = found.split("/")[1]
    assert folder.startswith("a-b-")
    assert rows["a"].dropped == {"name_respelled": 1}
    assert [item.label for item in read_dataset(tmp_path / "data").items] == [folder]


def test_an_order_that_ultralytics_does_not_take_is_warned_of(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    media = [one(workspace, "a", label="cat"), one(workspace, "b", label="zebra")]
    media.append(image(workspace, Source("c", "c.png", label="a/b", split="val")))
    with caplog.at_level(logging.WARNING):
        export(workspace, media, tmp_path / "data")
    assert "order of their folders' names" in caplog.text
    assert "no image of split train is of class a/b" in caplog.text


def test_folders_of_classes_are_the_same_after_a_conversion(tmp_path: Path) -> None:
    for number, name in enumerate(("train/cat/a", "train/traffic light/b", "val/cat/a")):
        path = tmp_path / "source" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60), (number, 0, 0)).save(path)
    found = convert(tmp_path / "source", tmp_path / "made", None, "yolo-cls", strict=True)
    assert (found.items, found.warnings) == (3, [])
    assert files(tmp_path / "made") == files(tmp_path / "source")
    assert (tmp_path / "made" / "classes.txt").read_text() == "cat\ntraffic light\n"


def test_a_conversion_counts_what_it_leaves_out(tmp_path: Path) -> None:
    for name in ("cat/a", "b"):
        png(tmp_path / "source" / "train" / f"{name}.png")
    found = convert(tmp_path / "source", tmp_path / "made", "folders", "yolo-cls")
    assert (found.items, found.splits, found.dropped) == (1, {"train": 1}, {"item_without_class": 1})
    with pytest.raises(StrictError, match="item_without_class"):
        convert(tmp_path / "source", tmp_path / "made", "folders", "yolo-cls", strict=True)


def test_a_run_ends_with_a_dataset_that_verifies(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    png(tmp_path / "a.png")
    png(tmp_path / "b.png", "blue")
    rows = [{"url": "a.png", "id": "a", "label": "cat", "split": "train"}, {"url": "b.png", "id": "b", "split": "val"}]
    ended = run(settings(workspace, rows, export={"format": "yolo-cls"}), workspace)
    data = Path(str(ended.dataset))
    assert files(data) == ["train/cat/a.png"]
    assert manifest(data)["b"].dropped == {"item_without_class": 1}
    assert ended.items == {"planned": 2, "ok": 1, "failed": 0, "skipped": 1, "quarantined": 0}
    assert ended.failures_by_code == {"needs_class": 1}
    found = verify_dataset(data)
    assert (found.missing, found.changed, found.extra) == ((), (), ())


def test_a_video_is_skipped_where_none_of_its_frames_has_a_class(workspace: Workspace, tmp_path: Path) -> None:
    first = Annotation("cat", frame=0)
    media = [
        video(workspace, Source("none", "n.mp4", annotations=(), split="train"), frames=2),
        video(workspace, Source("one", "o.mp4", annotations=(first,), split="train"), frames=4),
    ]
    config = pipeline(workspace, frames={"every_s": 0.1}, export={"format": "yolo-cls", "classes": ["cat"]})
    plan = batch(workspace, media)
    export_batch(config, workspace, plan, tmp_path / "data", ["cat"])
    rows = list(read_lines(workspace.run(plan.run) / "export" / f"{plan.name}.rows.jsonl", ManifestRow))
    found = {row.id: row for row in rows}
    assert (found["none"].status, found["none"].error_code, found["none"].dropped) == (
        "skipped",
        "needs_class",
        {"item_without_class": 2},
    )
    assert [row.id for row in rows if row.parent == "none"] == []
    assert [row.path is not None for row in rows if row.parent == "one"] == [True, False, False, False]
    assert found["one"].status == "ok"
