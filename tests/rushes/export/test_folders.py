"""Imagefolder, videofolder, WebDataset and CSV as a pipeline writes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from rushes import shards
from rushes.errors import ConfigError
from rushes.export.batch import export_batch
from rushes.export.ending import finish
from rushes.formats import imagefolder_read, table
from rushes.formats.dataset import Dataset, Labelled
from rushes.jsonl import read_lines
from rushes.labels import Annotation
from rushes.records import ManifestRow, Media, Source
from rushes.workspace import Workspace
from tests.rushes.export.makers import batch, image, on_frame, pipeline, square, transcoded, video

CLASSES = ("car", "square", "cat")
BOX = Annotation("car", box=(10, 10, 50, 40))
OUTLINE = Annotation("square", polygon=((0, 0), (40, 0), (40, 30)), difficult=True)


def export(
    workspace: Workspace,
    batches: Sequence[Sequence[Media]],
    data: Path,
    name: str,
    classes: Sequence[str] = CLASSES,
    **settings: object,
) -> dict[str, ManifestRow]:
    config = pipeline(workspace, export={"format": name, **settings})
    plans = [batch(workspace, media, f"{number:04d}", data.name) for number, media in enumerate(batches)]
    for plan in plans:
        export_batch(config, workspace, plan, data, classes)
    finish(config, workspace, data.name, [plan.name for plan in plans], data, classes)
    folder = workspace.run(data.name) / "export"
    rows = [row for plan in plans for row in read_lines(folder / f"{plan.name}.rows.jsonl", ManifestRow)]
    return {row.id: row for row in rows}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def media(workspace: Workspace) -> list[Media]:
    return [
        image(workspace, Source("a.v1", "a.png", annotations=(BOX, OUTLINE), split="train", attributes={"text": "A"})),
        image(workspace, Source("ü/b", "b.jpg", annotations=(), split="train"), suffix=".jpg"),
        image(workspace, Source("c", "c.png", split="train")),
        image(workspace, Source("d", "d.png", annotations=(BOX,), split="val")),
        image(workspace, Source("e", "e.png", label="cat", split="val", attributes={"text": "E"})),
    ]


def read(name: str, data: Path) -> Dataset:
    return {"imagefolder": imagefolder_read.read, "webdataset": shards.read, "csv": table.read}[name](data)


@pytest.mark.parametrize("name", ["imagefolder", "webdataset", "csv"])
def test_what_was_exported_is_read_again(workspace: Workspace, media: list[Media], tmp_path: Path, name: str) -> None:
    rows = export(workspace, [media], tmp_path / "data", name)
    found = read(name, tmp_path / "data")
    assert tuple(category.name for category in found.categories) == CLASSES
    items = list(found.items)
    assert len(items) == len(rows)
    for item, row in zip(sorted(items, key=_place), sorted(rows.values(), key=_row_place), strict=True):
        assert (item.split, item.labelled) == (row.split, row.id in ("a.v1", "ü/b", "d"))
        assert item.label == ("cat" if row.id == "e" else None)
        assert item.annotations == tuple(label for label in row.annotations or () if label.box or label.polygon)
        assert item.attributes == row.attributes
        assert row.dropped == {}


def _place(item: Labelled) -> tuple[str, str]:
    return item.split or "", Path(item.path).stem


def _row_place(row: ManifestRow) -> tuple[str, str]:
    return row.split or "", Path(row.path or "").stem


@pytest.mark.parametrize("name", ["imagefolder", "webdataset", "csv", "voc"])
def test_one_batch_or_five_give_the_same_files(
    workspace: Workspace, media: list[Media], tmp_path: Path, name: str
) -> None:
    one = export(workspace, [media], tmp_path / "one", name, shard_bytes=4000)
    five = export(workspace, [[item] for item in media], tmp_path / "five", name, shard_bytes=4000)
    assert (one, snapshot(tmp_path / "one")) == (five, snapshot(tmp_path / "five"))


def test_media_stand_where_the_metadata_says_byte_for_byte(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    export(workspace, [media], tmp_path / "images", "imagefolder")
    export(workspace, [media], tmp_path / "table", "csv")
    export(workspace, [media], tmp_path / "shards", "webdataset")
    stored = sorted(workspace.path(one.path).read_bytes() for one in media)
    for found in (
        imagefolder_read.read(tmp_path / "images"),
        table.read(tmp_path / "table"),
        shards.read(tmp_path / "shards", into=tmp_path / "unpacked"),
    ):
        assert sorted((found.folder / item.path).read_bytes() for item in found.items) == stored


def test_shards_are_cut_where_they_would_grow_too_large(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    export(workspace, [media], tmp_path / "data", "webdataset", shard_bytes=4000)
    listed = json.loads((tmp_path / "data/shards.json").read_bytes())["shards"]
    assert [shard["path"] for shard in listed] == sorted(path.name for path in (tmp_path / "data").glob("*.tar"))
    assert len(listed) > 2
    assert sum(shard["samples"] for shard in listed) == len(media)
    for shard in listed:
        size_bytes = (tmp_path / "data" / shard["path"]).stat().st_size
        assert size_bytes == shard["size_bytes"]
        assert size_bytes <= 4000 or shard["samples"] == 1


def test_what_comes_later_in_the_source_changes_the_last_shard_only(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    train = [one for one in media if one.verified.source.split == "train"]
    more = image(workspace, Source("f", "f.png", annotations=(BOX,), split="train"))
    export(workspace, [train], tmp_path / "before", "webdataset", shard_bytes=4000)
    export(workspace, [[*train, more]], tmp_path / "after", "webdataset", shard_bytes=4000)
    before, after = snapshot(tmp_path / "before"), snapshot(tmp_path / "after")
    full = sorted(name for name in before if name.endswith(".tar"))[:-1]
    assert full
    assert [after[name] for name in full] == [before[name] for name in full]


def test_a_medium_that_changed_in_the_workspace_is_not_put_into_a_shard(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    config = pipeline(workspace, export={"format": "webdataset"})
    plan = batch(workspace, media)
    export_batch(config, workspace, plan, tmp_path / "data", CLASSES)
    workspace.path(media[0].path).write_bytes(b"short")
    with pytest.raises(Exception, match="is 5 bytes long; expected") as caught:
        finish(config, workspace, "run", [plan.name], tmp_path / "data", CLASSES)
    assert getattr(caught.value, "code", None) == "storage"


@pytest.mark.parametrize("name", ["videofolder", "webdataset", "csv"])
def test_a_video_stands_whole_and_its_labels_keep_their_frames(workspace: Workspace, tmp_path: Path, name: str) -> None:
    labels = (on_frame(3), Annotation("square", box=square(9), time_s=0.9), Annotation("car"))
    clip = video(workspace, Source("v", "v.mp4", annotations=labels, split="train"))
    cut = transcoded(workspace, clip, (80, 48))
    rows = export(workspace, [[cut]], tmp_path / "data", name)
    (item,) = read("imagefolder" if name == "videofolder" else name, tmp_path / "data").items
    first, second, third = item.annotations
    assert (first.frame, first.box) == (3, tuple(side / 2 for side in square(3)))
    assert (second.time_s, second.box) == (0.9, tuple(side / 2 for side in square(9)))
    assert third == Annotation("car")
    assert (rows["v"].media_type, rows["v"].dropped) == ("video/mp4", {})


def test_labels_of_a_video_follow_a_cut(workspace: Workspace, tmp_path: Path) -> None:
    labels = (on_frame(2), on_frame(7), Annotation("square", box=square(9), time_s=0.95))
    clip = video(workspace, Source("v", "v.mp4", annotations=labels, split="train"))
    cut = transcoded(workspace, clip, (160, 96), ["-ss", "0.5"])
    config = pipeline(workspace, transcode={"start_time": 0.5}, export={"format": "videofolder", "split": {"train": 1}})
    plan = batch(workspace, [cut])
    export_batch(config, workspace, plan, tmp_path / "data", CLASSES)
    finish(config, workspace, "run", [plan.name], tmp_path / "data", CLASSES)
    (item,) = imagefolder_read.read(tmp_path / "data").items
    assert [(label.frame, label.time_s) for label in item.annotations] == [(2, None), (None, 0.45)]
    (row,) = read_lines(workspace.run("run") / "export/0000.rows.jsonl", ManifestRow)
    assert row.dropped == {"outside_clip": 1}


def test_an_image_in_a_videofolder_is_skipped_and_says_why(
    workspace: Workspace, media: list[Media], tmp_path: Path
) -> None:
    row = export(workspace, [media[:1]], tmp_path / "data", "videofolder")["a.v1"]
    assert (row.status, row.error_code) == ("skipped", "needs_video")


def test_a_videofolder_of_frames_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"export\.format"):
        pipeline(workspace, frames="annotated", export={"format": "videofolder"})


def test_a_split_without_boxes_is_warned_of(
    workspace: Workspace, media: list[Media], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        export(workspace, [[media[0], media[4]]], tmp_path / "data", "imagefolder")
    assert "split val has no boxes at all" in caplog.text
    assert "split train has no label at all" in caplog.text
