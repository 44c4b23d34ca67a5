from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.formats import coco
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label

CLASSES = ("car", "bus")


def test_category_ids_count_from_one_in_the_order_of_the_classes() -> None:
    assert [(found["id"], found["name"]) for found in coco.categories(CLASSES)] == [(1, "car"), (2, "bus")]


def test_a_box_has_its_area_and_is_no_crowd() -> None:
    objects, reasons = coco.render([Annotation("bus", box=(10, 20, 30, 40))], 100, 200, CLASSES)
    assert objects == [{"category_id": 2, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0, "segmentation": []}]
    assert not reasons


def test_a_polygon_becomes_a_segmentation_with_its_own_area() -> None:
    objects, _ = coco.render([Annotation("car", polygon=((0, 0), (50, 0), (0, 100)))], 100, 200, CLASSES)
    assert objects[0]["segmentation"] == [[0, 0, 50, 0, 0, 100]]
    assert objects[0]["bbox"] == [0, 0, 50, 100]
    assert objects[0]["area"] == 2500


def test_a_turned_box_keeps_its_outline() -> None:
    objects, reasons = coco.render([Annotation("car", box=(40, 45, 20, 10), rotation=math.pi / 4)], 100, 100, CLASSES)
    assert objects[0]["area"] == pytest.approx(200, abs=0.1)
    assert objects[0]["bbox"][2:] == pytest.approx([30 / math.sqrt(2)] * 2, abs=0.01)
    assert len(objects[0]["segmentation"][0]) == 8
    assert not reasons


def test_keypoints_tracks_and_attributes_stay() -> None:
    label = Annotation("car", box=(0, 0, 9, 9), keypoints=((1, 2, 2), (0, 0, 0)), track="t", attributes={"red": True})
    objects, _ = coco.render([label], 100, 100, CLASSES)
    assert objects[0]["keypoints"] == [1, 2, 2, 0, 0, 0]
    assert objects[0]["num_keypoints"] == 1
    assert objects[0]["attributes"] == {"red": True, "track_id": "t"}


def test_keypoints_alone_get_the_box_around_them_and_say_so() -> None:
    objects, reasons = coco.render([Annotation("car", keypoints=((1, 2, 2), (5, 9, 1)))], 100, 100, CLASSES)
    assert objects[0]["bbox"] == [1, 2, 4, 7]
    assert reasons == {"box_from_keypoints": 1}


def test_a_class_of_the_whole_image_is_left_out_and_counted() -> None:
    assert coco.render([Annotation("car")], 100, 100, CLASSES) == ([], {"item_label_unsupported": 1})


@given(st.lists(any_label(), max_size=4), st.integers(1, 4000), st.integers(1, 4000))
def test_every_object_lies_in_the_image_and_has_an_area(labels: list[Annotation], width: int, height: int) -> None:
    names = tuple(dict.fromkeys(label.label for label in labels))
    objects, _ = coco.render(labels, width, height, names)
    for found in objects:
        x, y, box_width, box_height = found["bbox"]
        assert min(x, y) >= 0
        assert min(box_width, box_height) > 0
        assert x + box_width <= width + 1e-6
        assert y + box_height <= height + 1e-6
        assert found["area"] >= 0
        assert all(len(ring) >= 6 for ring in found["segmentation"])
