from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from rushes.convert import convert
from rushes.datasets import READERS, detect, read_dataset
from rushes.errors import AnnotationError, ConfigError, OutputOccupiedError, RunFailedError, StrictError
from rushes.layouts import LAYOUTS
from tests.rushes.runs import png
from tests.ultralytics_rules import check_dataset

BOXED = sorted(set(LAYOUTS) - {"videofolder", "yolo-cls"})
"""Formats that hold images with boxes."""
RING = [[10, 10, 30, 10, 30, 30, 10, 30]]
CAR: dict[str, Any] = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 20, 20], "segmentation": RING}
BUS: dict[str, Any] = {"id": 2, "image_id": 1, "category_id": 90, "bbox": [40, 5, 20, 20]}


def coco(folder: Path, *annotations: dict[str, Any], files: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    """Writes a COCO dataset whose category ids have gaps; the annotations are of its first picture."""
    (folder / "images" / "val").mkdir(parents=True)
    images = []
    for number, name in enumerate(files, 1):
        path = folder / "images" / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60), (number, 0, 0)).save(path)
        images.append({"id": number, "file_name": name, "width": 80, "height": 60})
    names = [{"id": 3, "name": "car"}, {"id": 90, "name": "bus"}]
    (folder / "annotations").mkdir()
    path = folder / "annotations" / "instances_val.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations or (CAR, BUS), "categories": names}))
    return folder


def test_from_coco_to_yolo_with_media(tmp_path: Path) -> None:
    found = convert(coco(tmp_path / "coco"), tmp_path / "yolo", None, "yolo")
    assert (found.source, found.items, found.labels, found.splits) == ("coco", 2, 2, {"val": 2})
    assert found.dropped == {"polygon_unsupported": 1}
    assert check_dataset(tmp_path / "yolo" / "dataset.yaml") == []
    rows = (tmp_path / "yolo" / "labels" / "val" / "a.txt").read_text().splitlines()
    assert [row.split()[0] for row in rows] == ["0", "1"]
    assert (tmp_path / "yolo" / "labels" / "val" / "b.txt").read_text() == ""
    assert Image.open(tmp_path / "yolo" / "images" / "val" / "b.png").getpixel((0, 0)) == (2, 0, 0)


@pytest.mark.parametrize("target", BOXED)
def test_every_target_is_written_and_read_again(tmp_path: Path, target: str) -> None:
    convert(coco(tmp_path / "coco"), tmp_path / "made", None, target)
    again = read_dataset(tmp_path / "made", target)
    assert [category.name for category in again.categories] == ["car", "bus"]
    items = sorted(again.items, key=lambda item: item.id)
    assert [sorted(label.label for label in item.annotations) for item in items] == [["bus", "car"], []]
    assert [item.split for item in items] == ["val", "val"]


@pytest.mark.parametrize("target", BOXED)
def test_what_was_written_looks_like_what_it_is(tmp_path: Path, target: str) -> None:
    convert(coco(tmp_path / "coco"), tmp_path / "made", None, target)
    assert target.startswith(detect(tmp_path / "made"))


@pytest.mark.parametrize("source", ["voc", "imagefolder", "webdataset", "csv"])
@pytest.mark.parametrize("target", ["voc", "imagefolder", "webdataset", "csv", "coco", "yolo"])
def test_from_any_of_these_to_any_of_those_the_boxes_and_the_media_stay(
    tmp_path: Path, source: str, target: str
) -> None:
    original = coco(tmp_path / "coco", CAR | {"segmentation": []}, BUS)
    convert(original, tmp_path / "first", None, source)
    convert(tmp_path / "first", tmp_path / "second", None, target, strict=True)
    extra = {"into": tmp_path / "media"} if target == "webdataset" else {}
    again = read_dataset(tmp_path / "second", target, **extra)
    items = sorted(again.items, key=lambda item: Path(item.path).stem)
    assert [label.label for label in items[0].annotations] == ["car", "bus"]
    for label, box in zip(items[0].annotations, (CAR["bbox"], BUS["bbox"]), strict=True):
        assert label.box == pytest.approx(box, abs=1e-3)  # YOLO has six decimals of the picture's size
    assert [item.annotations for item in items[1:]] == [()]
    contents = [(again.folder / item.path).read_bytes() for item in items]
    assert contents == [(original / "images" / "val" / name).read_bytes() for name in ("a.png", "b.png")]
    assert [path.name for path in (tmp_path / "second").iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("target", sorted(set(LAYOUTS) - {"videofolder"}))
def test_the_same_name_in_two_splits_is_two_images(tmp_path: Path, target: str) -> None:
    for number, split in enumerate(("train", "test"), 1):
        (tmp_path / "source" / split / "ant").mkdir(parents=True)
        Image.new("RGB", (80, 60), (number, 0, 0)).save(tmp_path / "source" / split / "ant" / "a.png")
    convert(tmp_path / "source", tmp_path / "made", "folders", target)
    extra = {"into": tmp_path / "media"} if target == "webdataset" else {}
    again = read_dataset(tmp_path / "made", target, **extra)
    colours = {item.split: Image.open(again.folder / item.path).getpixel((0, 0)) for item in again.items}
    assert colours == {"train": (1, 0, 0), "test": (2, 0, 0)}


def test_there_and_back_is_the_same(tmp_path: Path) -> None:
    convert(coco(tmp_path / "coco"), tmp_path / "yolo", None, "yolo-seg")
    convert(tmp_path / "yolo", tmp_path / "again", None, "coco")
    first, second = (next(read_dataset(tmp_path / name).items) for name in ("coco", "again"))
    assert first.annotations[0].polygon == second.annotations[0].polygon
    assert second.annotations[1].polygon == ((40, 5), (60, 5), (60, 25), (40, 25))


def test_labels_alone_need_no_media(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    for path in (source / "images" / "val").iterdir():
        path.unlink()
    with pytest.raises(AnnotationError, match="media: none"):
        convert(source, tmp_path / "made", None, "yolo")
    assert not (tmp_path / "made").exists()
    convert(source, tmp_path / "made", None, "yolo", media="none")
    assert (tmp_path / "made" / "labels" / "val" / "a.txt").is_file()
    assert not list((tmp_path / "made" / "images").rglob("*.*"))


def test_classes_are_ordered_merged_and_dropped(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    found = convert(source, tmp_path / "made", None, "yolo", classes=["bus"])
    assert found.dropped["class_not_listed"] == 1
    assert (tmp_path / "made" / "labels" / "val" / "a.txt").read_text().startswith("0 ")
    convert(source, tmp_path / "made", None, "yolo", classes={"vehicle": ["car", "bus"]})
    content = yaml.safe_load((tmp_path / "made" / "dataset.yaml").read_text())
    assert content["names"] == {0: "vehicle"}


@pytest.mark.parametrize("target", ["coco", "voc", "yolo-seg", "csv"])
def test_boxes_alone_where_no_more_is_asked_for(tmp_path: Path, target: str) -> None:
    bare = {"id": 3, "image_id": 1, "category_id": 3, "segmentation": RING}
    found = convert(coco(tmp_path / "coco", CAR, BUS, bare), tmp_path / "made", None, target, boxes=True)
    assert found.dropped["polygon_unsupported"] == 2
    assert not (tmp_path / "made" / "SegmentationObject").exists()
    labels = next(read_dataset(tmp_path / "made", target).items).annotations
    assert {found.label for found in labels} == {"car", "bus"}
    if target in ("coco", "csv"):
        assert [label.box for label in labels] == [(10, 10, 20, 20), (40, 5, 20, 20), (10, 10, 20, 20)]
        assert not any(label.polygon for label in labels)


@pytest.mark.parametrize("target", ["csv", "dm", "imagefolder", "webdataset"])
def test_a_relation_goes_with_a_label_that_it_leads_to(tmp_path: Path, target: str) -> None:
    folder = table(tmp_path / "csv")
    header = "file_name,id,class,x,y,width,height,relation"
    cars, relation = "a.png,1,car,1,2,3,4,\na.png,2,bus,9,9,9,9,\n", 'a.png,3,pulls,,,,,"[""1"", ""2""]"\n'
    (folder / "labels.csv").write_text(f"{header}\n{cars}{relation}")
    for classes, expected in ((None, {}), (["car", "pulls"], {"class_not_listed": 1, "relation_unsupported": 1})):
        found = convert(folder, tmp_path / "made", None, target, classes=classes)
        assert found.dropped == expected
        (item,) = read_dataset(tmp_path / "made", target).items
        assert len([label for label in item.annotations if label.relation]) == (not expected)


@pytest.mark.parametrize("target", ["csv", "imagefolder", "webdataset", "yolo-cls", "dm", "dm-v1"])
@pytest.mark.parametrize("by", ["dm", "dm-v1"])
def test_the_class_of_an_image_goes_by_way_of_dm(tmp_path: Path, by: str, target: str) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "folders" / "train" / name).mkdir(parents=True)
        Image.new("RGB", (80, 60)).save(tmp_path / "folders" / "train" / name / f"{name}.png")
    convert(tmp_path / "folders", tmp_path / "dm", "folders", by)
    found = convert(tmp_path / "dm", tmp_path / "made", "dm", target)
    again = read_dataset(tmp_path / "made", "folders" if target == "yolo-cls" else target).items
    assert [(item.label, item.annotations) for item in again] == [("cat", ()), ("dog", ())]
    assert found.dropped == {}


def test_files_of_one_group_never_come_into_several_splits(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    rows = [f"{group}-{number}.png,{group},car,1,2,3,4\n" for group in ("x", "y", "z") for number in range(8)]
    (tmp_path / "csv" / "labels.csv").write_text("file_name,group,class,x,y,width,height\n" + "".join(rows))
    for row in rows:
        Image.new("RGB", (8, 8)).save(tmp_path / "csv" / row.split(",")[0])
    convert(tmp_path / "csv", tmp_path / "made", None, "csv", split={"train": 0.5, "val": 0.5})
    found = {(item.group, item.split) for item in read_dataset(tmp_path / "made", "csv").items}
    assert len(found) == 3
    assert {split for _, split in found} == {"train", "val"}


def test_strict_refuses_any_loss_and_leaves_what_was_there(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    convert(source, tmp_path / "made", None, "coco")
    with pytest.raises(StrictError, match="polygon_unsupported 1"):
        convert(source, tmp_path / "made", None, "yolo", strict=True)
    assert (tmp_path / "made" / "annotations" / "instances_val.json").is_file()
    convert(source, tmp_path / "made", None, "coco", strict=True)


def table(folder: Path) -> Path:
    """Writes a table of one picture that has a group, and a column of its own."""
    folder.mkdir()
    Image.new("RGB", (80, 60)).save(folder / "a.png")
    (folder / "labels.csv").write_text(
        'file_name,group,file_attributes,class,x,y,width,height\na.png,walk 7,"{""weather"": ""rain""}",car,1,2,3,4\n'
    )
    return folder


@pytest.mark.parametrize("target", BOXED)
def test_what_is_said_of_a_file_is_kept_or_counted(tmp_path: Path, target: str) -> None:
    found = convert(table(tmp_path / "csv"), tmp_path / "made", None, target)
    (item,) = read_dataset(tmp_path / "made", target).items
    kept = (item.attributes.get("weather") == "rain", item.group == "walk 7")
    reasons = ("item_attributes_unsupported", "item_group_unsupported")
    assert kept == tuple(reason not in found.dropped for reason in reasons)
    assert kept[0] == (target in {"csv", "dm", "dm-v1", "imagefolder", "webdataset"})
    assert kept[1] == (target in {"csv", "webdataset"})


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").touch()
    with pytest.raises(OutputOccupiedError):
        convert(coco(tmp_path / "coco"), tmp_path / "made", None, "yolo")


def test_a_dataset_does_not_take_the_place_of_its_source(tmp_path: Path) -> None:
    convert(coco(tmp_path / "coco"), tmp_path / "made", None, "coco")
    for source in ("made", "made/annotations/instances_val.json"):
        with pytest.raises(ConfigError, match=r"made: holds .*made.*replaces it"):
            convert(tmp_path / source, tmp_path / "made", None, "yolo")
    assert len(list(read_dataset(tmp_path / "made").items)) == 2


def test_a_class_that_the_source_does_not_have_is_warned_of(tmp_path: Path) -> None:
    classes = {"vehicle": ["cars", "bus"]}
    found = convert(coco(tmp_path / "coco"), tmp_path / "made", None, "csv", classes=classes)
    assert found.dropped == {"class_not_listed": 1}
    assert found.warnings == ["no class of the source is called cars; it has car, bus"]


def test_a_dataset_is_replaced_whole_with_caches_of_its_labels(tmp_path: Path) -> None:
    source = coco(tmp_path / "coco")
    convert(source, tmp_path / "made", None, "yolo")
    (tmp_path / "made" / "labels" / "val.cache").touch()
    convert(source, tmp_path / "made", None, "yolo")
    assert not list((tmp_path / "made").rglob("*.cache"))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("media", ["auto", "copy", "link"])
def test_the_users_files_stay_as_they_are(tmp_path: Path, media: Any) -> None:
    source = coco(tmp_path / "coco")
    before = (source / "images" / "val" / "a.png").stat()
    convert(source, tmp_path / "made", None, "yolo", media=media)
    after = (source / "images" / "val" / "a.png").stat()
    assert (after.st_mode, after.st_size, after.st_mtime_ns) == (before.st_mode, before.st_size, before.st_mtime_ns)


def test_shares_are_dealt_by_hash_to_items_without_a_split(tmp_path: Path) -> None:
    folder = coco(tmp_path / "coco", files=tuple(f"{number}.png" for number in range(40)))
    (folder / "annotations" / "instances_val.json").rename(folder / "all.json")
    (folder / "annotations").rmdir()
    shares = {"train": 0.5, "val": 0.5}
    first = convert(folder, tmp_path / "one", None, "yolo", media="none", split=shares)
    again = convert(folder, tmp_path / "two", None, "yolo", media="none", split=shares)
    assert first.splits == again.splits
    assert min(first.splits.values()) > 5


def test_what_is_no_dataset_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ConfigError, match="looks like no dataset"):
        convert(tmp_path / "a.json", tmp_path / "made", None, "yolo")
    with pytest.raises(ConfigError, match="no such file"):
        convert(tmp_path / "b.json", tmp_path / "made", None, "yolo")
    with pytest.raises(ConfigError, match="expected one of"):
        convert(tmp_path / "a.json", tmp_path / "made", None, "tfrecord")
    with pytest.raises(ConfigError, match="holds its media"):
        convert(tmp_path / "a.json", tmp_path / "made", "coco", "webdataset", media="none")


def test_readers_and_exporters_go_together() -> None:
    assert set(LAYOUTS) <= set(READERS)


@pytest.mark.parametrize(
    ("target", "name", "reason", "step"),
    [
        ("coco", "a.mp4", "needs_frames", "csv, dm, dm-v1, videofolder, webdataset"),
        ("yolo", "a.mp4", "needs_frames", "csv, dm, dm-v1, videofolder, webdataset"),
        ("videofolder", "a.png", "needs_video", "coco, csv"),
        ("yolo-cls", "a.png", "item_without_class", ""),
    ],
)
def test_a_conversion_of_which_nothing_comes_keeps_the_old_dataset(
    tmp_path: Path, target: str, name: str, reason: str, step: str
) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "export_summary.json").write_text('{"over_limit": false}')
    (tmp_path / "made" / "good").touch()
    png(tmp_path / "source" / name)
    with pytest.raises(RunFailedError, match=f"none of its items came into a {target}: .*{reason} 1") as caught:
        convert(tmp_path / "source", tmp_path / "made", "folders", target, media="copy")
    assert step in str(caught.value)
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["export_summary.json", "good"]
