from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.formats import coco
from rushes.formats.masks import from_runs, pixels
from rushes.labels import Annotation, Category, Mask
from tests.rushes.formats.strategies import any_label

CLASSES = ("car", "bus")


def test_category_ids_count_from_one_in_the_order_of_the_classes() -> None:
    assert [(found["id"], found["name"]) for found in coco.categories(CLASSES)] == [(1, "car"), (2, "bus")]


def test_a_box_has_its_area_and_is_no_crowd() -> None:
    objects, reasons = coco.render([Annotation("bus", box=(10, 20, 30, 40))], 100, 200, CLASSES)
    assert objects == [{"category_id": 2, "bbox": [10, 20, 30, 40], "area": 1200, "iscrowd": 0, "segmentation": []}]
    assert not reasons


SIDE = st.one_of(
    st.floats(0, 5000),
    st.integers(0, 5_000_000).map(lambda thousandths: thousandths / 1000),
    st.integers(0, 50_000_000).map(lambda half: (half + 0.5) / 1000),
    st.decimals(0, 5000, places=4).map(float),
)
"""Sides of boxes, many of them halfway between two thousandths."""


@given(SIDE, SIDE, SIDE, SIDE)
def test_sides_are_rounded_as_decimals_and_the_area_is_that_of_the_box(
    x: float, y: float, width: float, height: float
) -> None:
    objects, reasons = coco.render([Annotation("car", box=(x, y, width, height))], 60_000, 60_000, CLASSES)
    left, top, right, bottom = (round(edge, 3) for edge in (x, y, x + width, y + height))
    if right <= left or bottom <= top:
        assert (objects, reasons) == ([], {"empty_box": 1})
        return
    assert objects[0]["bbox"] == [left, top, round(right - left, 3), round(bottom - top, 3)]
    across, down = (Decimal(str(side)) for side in objects[0]["bbox"][2:])
    assert Decimal(str(objects[0]["area"])) == (across * down).quantize(Decimal("0.001"), ROUND_HALF_EVEN)


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
    assert reasons == {"rotation_as_outline": 1}


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


SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
HOLE = ((15.0, 15.0), (25.0, 15.0), (25.0, 25.0), (15.0, 25.0))
FAR = ((50.0, 50.0), (60.0, 50.0), (60.0, 60.0), (50.0, 60.0))


def test_several_pieces_stay_several() -> None:
    objects, reasons = coco.render([Annotation("car", parts=((SQUARE,), (FAR,)))], 100, 100, CLASSES)
    assert [len(ring) for ring in objects[0]["segmentation"]] == [8, 8]
    assert objects[0]["area"] == 500
    assert objects[0]["bbox"] == [10, 10, 50, 50]
    assert not reasons


def test_a_hole_stays_a_hole_pixel_by_pixel() -> None:
    objects, reasons = coco.render([Annotation("car", parts=((SQUARE, HOLE), (FAR,)))], 100, 100, CLASSES)
    expected = np.zeros((100, 100), bool)
    expected[10:30, 10:30] = True
    expected[15:25, 15:25] = False
    expected[50:60, 50:60] = True
    found = pixels(Mask((100, 100), objects[0]["segmentation"]["counts"]))
    assert (found == expected).all()
    assert objects[0]["area"] == expected.sum() == 400
    assert reasons == {"holes_as_mask": 1}


def test_an_island_in_a_hole_stays() -> None:
    island = ((18.0, 18.0), (22.0, 18.0), (22.0, 22.0), (18.0, 22.0))
    objects, _ = coco.render([Annotation("car", parts=((SQUARE, HOLE), (island,)))], 100, 100, CLASSES)
    assert objects[0]["area"] == 400 - 100 + 16


def test_a_mask_stays_as_it_is_and_a_crowd_is_one() -> None:
    mask = from_runs([100, 50, 9850], 100, 100)
    objects, reasons = coco.render([Annotation("car", mask=mask, crowd=True)], 100, 100, CLASSES)
    assert objects[0]["segmentation"] == {"size": [100, 100], "counts": mask.counts}
    assert (objects[0]["area"], objects[0]["iscrowd"], objects[0]["bbox"]) == (50, 1, [1, 0, 1, 50])
    assert not reasons


def test_flags_are_attributes_as_in_cvat() -> None:
    label = Annotation("car", box=(0, 0, 9, 9), occluded=True, truncated=True, track="7")
    objects, _ = coco.render([label], 100, 100, CLASSES)
    assert objects[0]["attributes"] == {"truncated": True, "occluded": True, "track_id": 7}


@pytest.mark.parametrize(
    ("label", "kept", "reason"),
    [
        (Annotation("car", polyline=((1, 1), (5, 5))), 0, "polyline_unsupported"),
        (Annotation("car", box=(1, 1, 5, 5), polyline=((1, 1), (5, 5))), 1, "polyline_unsupported"),
        (Annotation("car", relation=("a", "b")), 0, "relation_unsupported"),
        (Annotation("car", spans=((0, 3, "car"),)), 0, "text_unsupported"),
        (Annotation("car", mask=from_runs([0, 9], 3, 3), box=(1, 1, 5, 5)), 1, "mask_of_other_size"),
        (Annotation("car", mask=from_runs([0, 10000], 100, 100), polygon=SQUARE), 1, "mask_beside_outline"),
    ],
)
def test_what_an_object_cannot_say_is_counted(label: Annotation, kept: int, reason: str) -> None:
    objects, reasons = coco.render([label], 100, 100, CLASSES)
    assert (len(objects), reasons) == (kept, {reason: 1})


def test_a_category_has_its_skeleton_counted_from_one() -> None:
    known = {"bus": Category("bus", supercategory="vehicle", keypoints=("a", "b"), skeleton=((0, 1),))}
    car, bus = coco.categories(CLASSES, known, {"car": 2})
    assert bus == {"id": 2, "name": "bus", "supercategory": "vehicle", "keypoints": ["a", "b"], "skeleton": [[1, 2]]}
    assert car["keypoints"] == ["keypoint_1", "keypoint_2"]


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
        if isinstance(found["segmentation"], list):
            assert all(len(ring) >= 6 for ring in found["segmentation"])
        else:
            assert found["segmentation"]["size"] == [height, width]
