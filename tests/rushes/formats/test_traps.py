"""The traps in which converters of datasets are caught, each a test: from media and labels to a dataset and back.

`FOLDERS` are the layouts that are read back by one function.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image

from rushes import shards
from rushes.export.batch import export_batch
from rushes.export.ending import finish
from rushes.formats import imagefolder_read, table, voc_read
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.masks import pixels
from rushes.formats.placing import box_of
from rushes.jsonl import read_lines
from rushes.labels import Annotation
from rushes.media import make_media
from rushes.records import ManifestRow, Media, Source, Verified
from rushes.workspace import Workspace
from tests.rushes.export.makers import HEIGHT, WIDTH, batch, image, pipeline
from tests.voc_rules import check_dataset, objects_of

CLASSES = ("zebra", "Straße & <ü>", "ant")

FOLDERS: Mapping[str, Callable[[Path], Dataset]] = {
    "voc": voc_read.read,
    "imagefolder": imagefolder_read.read,
    "webdataset": shards.read,
    "csv": table.read,
}
EVERY = pytest.mark.parametrize("name", FOLDERS)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def export(
    workspace: Workspace, media: Sequence[Media], name: str, classes: Sequence[str] = CLASSES
) -> tuple[Path, dict[str, ManifestRow]]:
    """Exports media; returns the dataset's folder, and the manifest's rows by id."""
    data = workspace.root.parent / name
    settings = pipeline(workspace, export={"format": name, "classes": [*classes]})
    plan = batch(workspace, media, run=name)
    export_batch(settings, workspace, plan, data, classes)
    finish(settings, workspace, name, [plan.name], data, classes)
    rows: Iterable[ManifestRow] = read_lines(workspace.run(name) / "export" / f"{plan.name}.rows.jsonl", ManifestRow)
    return data, {row.id: row for row in rows}


def items_of(data: Path, name: str) -> dict[str, Labelled]:
    """Returns what is read back, by the stem of the file."""
    return {Path(item.path).stem: item for item in FOLDERS[name](data).items}


def labelled(workspace: Workspace, *labels: Annotation, identity: str = "a") -> Media:
    return image(workspace, Source(identity, f"{identity}.png", annotations=labels, split="train"))


def test_voc_counts_from_one_and_both_ends_belong_to_the_box(workspace: Workspace) -> None:
    boxes = [(0.0, 0.0, 10.0, 20.0), (WIDTH - 5.0, HEIGHT - 1.0, 5.0, 1.0)]
    data, _ = export(workspace, [labelled(workspace, *(Annotation("ant", box=box) for box in boxes))], "voc")
    assert objects_of(data / "Annotations/a.xml") == [
        ("ant", [1, 1, 10, 20]),
        ("ant", [WIDTH - 4, HEIGHT, WIDTH, HEIGHT]),
    ]
    assert [label.box for label in items_of(data, "voc")["a"].annotations] == boxes
    found = ET.parse(data / "Annotations/a.xml").getroot()
    assert {found.findtext(f"object/{flag}") for flag in ("difficult", "truncated", "occluded")} == {"0"}


@EVERY
def test_exif_orientation_sizes_are_those_shown_upright(workspace: Workspace, name: str) -> None:
    turned = Image.new("RGB", (100, 60))
    exif = turned.getexif()
    exif[0x0112] = 6
    path = workspace.path("media/turned.jpg")
    path.parent.mkdir(parents=True)
    turned.save(path, exif=exif)
    source = Source("a", "a.jpg", annotations=(Annotation("ant", box=(50, 80, 10, 20)),), split="train")
    media = make_media(Verified(source, "media/turned.jpg", "0" * 64, path.stat().st_size), workspace, None)
    data, _ = export(workspace, [media], name)
    item = items_of(data, name)["a"]
    assert [label.box for label in item.annotations] == [(50, 80, 10, 20)]
    if name != "imagefolder":  # which says no sizes
        assert (item.width, item.height) == (60, 100)
    if name == "voc":
        assert check_dataset(data) == []


@EVERY
def test_images_with_no_annotations_are_written_and_empty_is_told_apart_from_unlabelled(
    workspace: Workspace, name: str
) -> None:
    media = [
        labelled(workspace, identity="empty"),
        image(workspace, Source("unlabelled", "u.png", split="train")),
        labelled(workspace, Annotation("ant", box=(1, 1, 5, 5)), identity="full"),
    ]
    data, _ = export(workspace, media, name)
    items = items_of(data, name)
    assert {stem: (item.labelled, len(item.annotations)) for stem, item in items.items()} == {
        "empty": (True, 0),
        "unlabelled": (False, 0),
        "full": (True, 1),
    }


@EVERY
def test_same_stem_in_other_folders_or_with_another_suffix_is_another_item(workspace: Workspace, name: str) -> None:
    names = ["a.jpg", "a.png", "x/a.jpg", "x.a.jpg", "x-a.jpg", "a"]
    media = [
        image(workspace, Source(each, each, annotations=(Annotation("ant", box=(k, 0, 5, 5)),), split="train"))
        for k, each in enumerate(names)
    ]
    data, rows = export(workspace, media, name)
    items = items_of(data, name)
    assert len(items) == len(names)
    assert len({row.path for row in rows.values()}) == len(names)
    assert {label.box for item in items.values() for label in item.annotations} == {
        (k, 0, 5, 5) for k in range(len(names))
    }


@EVERY
def test_unicode_names_are_utf_8_and_composed_and_come_back(workspace: Workspace, name: str) -> None:
    identity = unicodedata.normalize("NFD", "größe-日本")
    label = Annotation("Straße & <ü>", box=(1, 2, 3, 4), attributes={"ключ": "значение & <>"})
    data, rows = export(workspace, [labelled(workspace, label, identity=identity)], name)
    path = rows[identity].path or ""
    assert path == unicodedata.normalize("NFC", path)
    (item,) = FOLDERS[name](data).items
    assert item.annotations == (label,)
    assert [category.name for category in FOLDERS[name](data).categories] == [*CLASSES]


@EVERY
def test_boxes_over_the_edge_are_cut_and_those_without_a_size_dropped_and_both_are_counted(
    workspace: Workspace, name: str
) -> None:
    boxes = [(-10, -10, 30, 30), (WIDTH - 10, 5, 100, 5), (5, 5, 0, 10), (5, 5, 10, 0), (WIDTH + 1, 0, 5, 5)]
    data, rows = export(workspace, [labelled(workspace, *(Annotation("ant", box=box) for box in boxes))], name)
    found = items_of(data, name)["a"].annotations
    assert [label.box for label in found] == [(0, 0, 20, 20), (WIDTH - 10, 5, 10, 5)]
    assert rows["a"].dropped == {"clipped_to_image": 2, "empty_box": 2, "outside_image": 1}


@EVERY
def test_a_crowd_is_never_an_ordinary_box(workspace: Workspace, name: str) -> None:
    crowd = Annotation("ant", box=(1, 2, 30, 40), crowd=True)
    data, rows = export(workspace, [labelled(workspace, crowd, Annotation("zebra", box=(5, 5, 5, 5)))], name)
    found = items_of(data, name)["a"].annotations
    assert [label for label in found if label.label == "ant"] == ([] if name == "voc" else [crowd])
    assert rows["a"].dropped == ({"crowd_unsupported": 1} if name == "voc" else {})


@EVERY
def test_pieces_and_holes_are_all_there(workspace: Workspace, name: str) -> None:
    def square(left: float, top: float, size: float) -> tuple[tuple[float, float], ...]:
        return ((left, top), (left + size, top), (left + size, top + size), (left, top + size))

    label = Annotation("ant", parts=((square(10, 10, 40), square(20, 20, 10)), (square(100, 50, 20),)))
    data, rows = export(workspace, [labelled(workspace, label)], name)
    (found,) = items_of(data, name)["a"].annotations
    if name != "voc":
        assert found == label
        return
    assert found.mask is not None
    expected = np.zeros((HEIGHT, WIDTH), bool)
    expected[10:50, 10:50] = expected[50:70, 100:120] = True
    expected[20:30, 20:30] = False
    assert (pixels(found.mask) == expected).all()
    assert found.box == box_of(label)
    assert rows["a"].dropped == {"outline_as_pixels": 1}


@EVERY
def test_class_order_is_the_one_that_was_given_in_every_split(workspace: Workspace, name: str) -> None:
    media = [
        replace_split(labelled(workspace, Annotation(label, box=(1, 1, 5, 5)), identity=label), split)
        for label, split in (("ant", "train"), ("zebra", "val"))
    ]
    for classes in (("zebra", "unused", "ant"), ("ant", "zebra", "unused")):
        data, _ = export(workspace, media, name, classes)
        found = FOLDERS[name](data)
        assert tuple(category.name for category in found.categories) == classes
        assert {item.split: item.annotations[0].label for item in found.items} == {"train": "ant", "val": "zebra"}


def replace_split(media: Media, split: str) -> Media:
    source = replace(media.verified.source, split=split)
    return replace(media, verified=replace(media.verified, source=source))
