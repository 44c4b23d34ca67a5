from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rushes.errors import AnnotationError
from rushes.formats import coco_spill, json_window
from rushes.formats.coco_read import read
from rushes.formats.dataset import Labelled
from rushes.formats.masks import from_runs, pixels
from rushes.labels import Annotation, Category

IMAGE = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}
CAR = {"id": 7, "name": "car"}
BOX: dict[str, Any] = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}


def written(folder: Path, document: object) -> Path:
    path = folder / "instances_train.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def document(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"images": [IMAGE], "annotations": list(annotations), "categories": [CAR]} | more


def labels(folder: Path, *annotations: dict[str, Any], **more: Any) -> tuple[Annotation, ...]:
    (item,) = read(written(folder, document(*annotations, **more))).items
    return item.annotations


def test_a_box_is_a_box_of_its_class(tmp_path: Path) -> None:
    data = read(written(tmp_path, document(BOX)))
    assert data.categories == (Category("car", 7),)
    assert list(data.items) == [
        Labelled("a", "a.jpg", 100, 80, (Annotation("car", box=(1, 2, 3, 4)),), True, split="train")
    ]


def test_one_ring_is_a_polygon_and_several_are_parts(tmp_path: Path) -> None:
    one = BOX | {"segmentation": [[0, 0, 9, 0, 9, 9]]}
    two = BOX | {"id": 2, "segmentation": [[0, 0, 9, 0, 9, 9, 0, 0], [20, 20, 29, 20, 29, 29]]}
    triangle, far = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0)), ((20.0, 20.0), (29.0, 20.0), (29.0, 29.0))
    box = (1.0, 2.0, 3.0, 4.0)
    assert labels(tmp_path, one, two) == (
        Annotation("car", box=box, polygon=triangle),
        Annotation("car", box=box, parts=((triangle,), (far,))),
    )


def test_runs_compressed_or_not_are_the_same_mask(tmp_path: Path) -> None:
    runs = [0, 80, 7920]
    mask = from_runs(runs, 80, 100)
    plain = BOX | {"segmentation": {"size": [80, 100], "counts": runs}, "iscrowd": 1}
    packed = BOX | {"id": 2, "segmentation": {"size": [80, 100], "counts": mask.counts}}
    first, second = labels(tmp_path, plain, packed)
    assert first.mask == second.mask == mask
    assert (first.crowd, second.crowd) == (True, False)


def test_keypoints_and_skeleton(tmp_path: Path) -> None:
    category = CAR | {"keypoints": ["left", "right"], "skeleton": [[1, 2]], "supercategory": "vehicle"}
    data = read(written(tmp_path, document(BOX | {"keypoints": [1, 2, 2, 0, 0, 0]}, categories=[category])))
    assert data.categories == (Category("car", 7, "vehicle", ("left", "right"), ((0, 1),)),)
    assert next(data.items).annotations[0].keypoints == ((1, 2, 2), (0, 0, 0))


def test_attributes_of_cvat_are_fields_of_the_label(tmp_path: Path) -> None:
    said = {"occluded": True, "truncated": False, "track_id": 3, "rotation": 90.0, "colour": "red"}
    (label,) = labels(tmp_path, BOX | {"attributes": said})
    assert (label.occluded, label.truncated, label.track) == (True, False, "3")
    assert label.rotation == pytest.approx(math.pi / 2)
    assert label.attributes == {"colour": "red"}


def test_boxes_alone_when_no_more_is_asked_for_and_what_is_left_out_is_counted(tmp_path: Path) -> None:
    mask = {"size": [80, 100], "counts": [0, 8000]}
    found = [BOX | {"segmentation": [[0, 0, 9, 0, 9, 9]]}, BOX | {"id": 2, "segmentation": mask}, BOX | {"id": 3}]
    (item,) = read(written(tmp_path, document(*found)), outlines=False).items
    assert [label.box for label in item.annotations] == [(1, 2, 3, 4)] * 3
    assert not any(label.polygon or label.mask for label in item.annotations)
    assert item.dropped == {"mask_unsupported": 1, "polygon_unsupported": 1}


def test_a_segmentation_without_a_box_is_read_all_the_same(tmp_path: Path) -> None:
    bare = {"id": 1, "image_id": 1, "category_id": 7, "bbox": [], "segmentation": [[0, 0, 9, 0, 9, 9]]}
    (item,) = read(written(tmp_path, document(bare)), outlines=False).items
    assert item.annotations[0].polygon is not None


@pytest.mark.parametrize("order", ["iac", "cia", "aci", "ica", "aic", "cai"])
@pytest.mark.parametrize("spilled", [False, True])
@pytest.mark.parametrize("pretty", [None, 2])
def test_keys_in_any_order_on_the_disk_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, spilled: bool, pretty: int | None
) -> None:
    keys = {"i": "images", "a": "annotations", "c": "categories"}
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 100, "height": 80} for n in range(30)]
    ring = [[0, 0, 9, 0, 9, 9]]
    found = [BOX | {"id": n, "image_id": n * 7 % 29, "segmentation": ring} for n in range(100)]
    whole = document(*found, images=images)
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"info": {"nested": [{"a": [1]}]}} | {keys[key]: whole[keys[key]] for key in order}, indent=pretty)
    )
    if spilled:
        monkeypatch.setattr(coco_spill, "IN_MEMORY_BYTES", 1)
        monkeypatch.setattr(coco_spill, "BUCKET_BYTES", 2000)
        monkeypatch.setattr(json_window, "WINDOW_BYTES", 700)
    items = list(read(path).items)
    assert [item.id for item in items] == [str(n) for n in range(30)]
    assert [len(item.annotations) for item in items] == [sum(n * 7 % 29 == m for n in range(100)) for m in range(30)]
    assert all(label.polygon for item in items for label in item.annotations)
    boxes = list(read(path, outlines=False).items)
    assert [item.dropped.get("polygon_unsupported", 0) for item in boxes] == [len(item.annotations) for item in items]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(window=st.integers(1, 300), text=st.text(max_size=20), nested=st.recursive(st.just([]), st.lists, max_leaves=8))
def test_cuts_at_any_place_give_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, text: str, nested: list[Any]
) -> None:
    """Strings and lists that look like the end of an object are what cuts could stumble over."""
    odd = {"text": text + '}, {"id": 1}]}', "list": [{"a": nested}, {"b": [{}]}, {}]}
    found = [BOX | {"id": n, "attributes": odd | {"n": n}} for n in range(5)]
    path = written(tmp_path, document(*found))
    with monkeypatch.context() as patched:
        patched.setattr("rushes.formats.json_members.WINDOW_BYTES", window)
        patched.setattr(json_window, "WINDOW_BYTES", window)
        (item,) = read(path).items
    assert [label.attributes for label in item.annotations] == [odd | {"n": n} for n in range(5)]


def test_panoptic_segments_are_masks_of_the_colours_in_the_picture(tmp_path: Path) -> None:
    colours = np.zeros((80, 100, 3), np.uint8)
    colours[10:20, 10:20] = (1, 2, 0)
    (tmp_path / "panoptic_val").mkdir()
    Image.fromarray(colours).save(tmp_path / "panoptic_val" / "a.png")
    segment = {"id": 1 + 256 * 2, "category_id": 7, "iscrowd": 0, "area": 100, "bbox": [10, 10, 10, 10]}
    path = tmp_path / "panoptic_val.json"
    path.write_text(json.dumps(document({"image_id": 1, "file_name": "a.png", "segments_info": [segment]})))
    (item,) = read(path).items
    (label,) = item.annotations
    assert label.label == "car"
    assert label.mask is not None
    assert (pixels(label.mask) == (colours[..., 0] == 1)).all()


def test_a_folder_is_read_with_the_splits_of_its_documents(tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir(parents=True)
        (tmp_path / "images" / split / "a.jpg").touch()
        (tmp_path / "annotations" / f"instances_{split}.json").write_text(json.dumps(document(BOX)))
    items = list(read(tmp_path).items)
    assert [(item.id, item.path, item.split) for item in items] == [
        ("images/train/a.jpg", "images/train/a.jpg", "train"),
        ("images/val/a.jpg", "images/val/a.jpg", "val"),
    ]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ("", "byte 0: expected a JSON object"),
        ("[]", "byte 0: expected a JSON object"),
        ('{"images": [', "byte 12: the file ends in the middle of images[0]"),
        ('{"images": [{"id": 1, "file_name": "a"}', "the file ends in the middle of images[1]"),
        ('{"images": [{"id": 1, "file_name": "a"', "the file ends in the middle of images[0]"),
        ('{"images": [], "annotations": []', "the file ends in the middle"),
        ('{"images": [{"id": 1, "file_name": "a"} {}]}', "expected , or ] behind images[0]"),
        ('{"images": [7]}', "images[0]: expected an object"),
        ('{"images": [{"id": true, "file_name": "a"}]}', "images[0]: Expected"),
        ('{"images": [{"file_name": "a"}]}', "images[0]: Object missing required field `id`"),
        ('{"images": [{"id": 1}]}', "images[0]: Object missing required field `file_name`"),
        ('{"images": {}}', "images: expected a list"),
        ('{"images": [], "images": []}', "'images' stands there twice"),
        ('{"images": []} x', "expected the end of the document"),
        ('{"info": ' + "[" * 100_000, "nested more than 64 deep"),
        ('{"images": [{"id": 1, "file_name": "a", "x": ' + "[" * 100_000, "nested more than 64 deep"),
        ('{"a": "\\ud800', "a string does not end"),
        ("\ufeffnull", "expected a JSON object"),
    ],
)
def test_what_is_no_document_is_refused_by_name_and_place(tmp_path: Path, content: str, place: str) -> None:
    with pytest.raises(AnnotationError) as raised:
        list(read(written(tmp_path, content)).items)
    assert str(raised.value).startswith("instances_train.json")
    assert place in str(raised.value)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"bbox": [math.nan, 0, 1, 1]}, "annotations[1]: JSON is malformed"),
        ({"bbox": [math.inf, 0, 1, 1]}, "annotations[1]: JSON is malformed"),
        ({"bbox": [1e300, 0, 1, 1]}, "annotations[1]: Expected `float`"),
        ({"bbox": [1, 2, 3]}, "annotations[1].bbox = [1.0, 2.0, 3.0]: expected [x, y, width, height]"),
        ({"bbox": "x"}, "annotations[1]: Expected"),
        ({"image_id": None}, "annotations[1]: Expected"),
        ({"image_id": 99}, "annotations[1].image_id: 99 is the id of no image"),
        ({"category_id": 99}, "annotations[1].category_id: 99 is the id of no category"),
        ({"category_id": None}, "annotations[1].category_id: is missing"),
        ({"id": 1}, "annotations: two of them have the id 1"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "annotations[1].segmentation: expected rings"),
        ({"segmentation": [["x"]]}, "annotations[1].segmentation: Expected `float`"),
        ({"segmentation": {"size": [80, 100], "counts": [1, 2]}}, "annotations[1].segmentation: runs that add up"),
        ({"segmentation": {"size": [80, 100], "counts": "zzzz"}}, "annotations[1].segmentation: runs"),
        ({"segmentation": {"size": [2**31, 2**31], "counts": [1]}}, "annotations[1].segmentation: a mask of"),
        ({"keypoints": [1, 2]}, "annotations[1].keypoints: expected"),
        ({"keypoints": [1, 2, 5]}, "annotations[1].keypoints: expected"),
    ],
)
def test_a_wrong_annotation_is_named(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(AnnotationError) as raised:
        labels(tmp_path, BOX, BOX | {"id": 2} | change)
    assert str(raised.value).startswith("instances_train.json")
    assert place in str(raised.value)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"images": [IMAGE, IMAGE]}, "images[1].id: 1 is the id of images[0] too"),
        ({"images": [IMAGE, IMAGE | {"id": 2}]}, "images[1].file_name: 'a.jpg' stands there twice"),
        ({"images": [IMAGE | {"file_name": "../a.jpg"}]}, "images[0].file_name: the path '../a.jpg'"),
        ({"images": [IMAGE | {"file_name": "/etc/passwd"}]}, "images[0].file_name: the path"),
        ({"categories": [CAR, CAR]}, "categories[1].id: 7 is the id of 'car' too"),
        ({"categories": [CAR, CAR | {"id": 8}]}, "categories[1].name: 'car' is the name of another one"),
        ({"categories": [CAR | {"keypoints": ["a"], "skeleton": [[1, 2]]}]}, "categories[0].skeleton"),
        ({"categories": [CAR | {"name": "a\nb"}]}, "categories[0].name"),
    ],
)
def test_wrong_images_and_categories_are_named(tmp_path: Path, more: dict[str, Any], place: str) -> None:
    with pytest.raises(AnnotationError, match=r"instances_train\.json") as raised:
        labels(tmp_path, BOX, **more)
    assert place in str(raised.value)


def test_a_degenerate_ring_is_left_out_and_counted(tmp_path: Path) -> None:
    (item,) = read(written(tmp_path, document(BOX | {"segmentation": [[1, 1, 2, 2]]}))).items
    assert item.annotations == (Annotation("car", box=(1, 2, 3, 4)),)
    assert item.dropped == {"degenerate_outline": 1}


def test_names_in_every_script_stay(tmp_path: Path) -> None:
    names = [IMAGE | {"file_name": "猫 1.jpg"}]
    data = read(written(tmp_path, document(BOX, images=names, categories=[CAR | {"name": "Füße"}])))
    (item,) = data.items
    assert (item.path, item.annotations[0].label) == ("猫 1.jpg", "Füße")


def test_one_object_of_70_mb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    with path.open("wb") as file:
        file.write(b'{"images":[{"id":1,"file_name":"')
        file.truncate(70 * 2**20)
    with pytest.raises(AnnotationError, match=r"^c\.json, byte 11: more than 67108864 bytes in one object"):
        read(path)
