from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.formats import yolo
from rushes.formats.geometry import area
from rushes.formats.masks import from_outlines, from_runs
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label
from tests.ultralytics_rules import check_rows as complaints

CLASSES = ("car", "bus")
KINDS: tuple[yolo.Kind, ...] = get_args(yolo.Kind)
EMPTY = from_runs([10000], 100, 100)


def test_a_row_is_class_centre_and_size_normalised() -> None:
    rows, reasons = yolo.render([Annotation("bus", box=(10, 20, 30, 40))], 100, 200, CLASSES)
    assert rows == ["1 0.250000 0.200000 0.300000 0.200000"]
    assert not reasons


def test_a_polygon_without_a_box_gives_its_bounds() -> None:
    rows, reasons = yolo.render([Annotation("car", polygon=((0, 0), (50, 0), (20, 100)))], 100, 200, CLASSES)
    assert rows == ["0 0.250000 0.250000 0.500000 0.500000"]
    assert reasons == {"polygon_unsupported": 1}


def test_a_turned_box_gives_the_upright_box_around_it() -> None:
    rows, reasons = yolo.render([Annotation("car", box=(40, 45, 20, 10), rotation=math.pi / 2)], 100, 100, CLASSES)
    assert rows == ["0 0.500000 0.500000 0.100000 0.200000"]
    assert reasons == {"rotation_unsupported": 1}


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (Annotation("car"), "item_label_unsupported"),
        (Annotation("car", keypoints=((1, 1, 2),)), "keypoints_unsupported"),
        (Annotation("car", box=(5, 5, 1e-5, 5)), "empty_box"),
    ],
)
def test_what_a_row_cannot_say_is_left_out_and_counted(label: Annotation, reason: str) -> None:
    assert yolo.render([label], 100, 100, CLASSES) == ([], {reason: 1})


def test_the_same_row_stands_there_once() -> None:
    label = Annotation("car", box=(1, 1, 5, 5))
    rows, reasons = yolo.render([label, label, Annotation("bus", box=(1, 1, 5, 5))], 100, 100, CLASSES)
    assert len(rows) == 2
    assert reasons == {"duplicate_label": 1}


def test_a_class_that_is_not_in_the_dataset_is_a_defect() -> None:
    with pytest.raises(KeyError):
        yolo.render([Annotation("lorry", box=(1, 1, 5, 5))], 100, 100, CLASSES)


SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
HOLE = ((15.0, 15.0), (25.0, 15.0), (25.0, 25.0), (15.0, 25.0))
FAR = ((50.0, 50.0), (60.0, 50.0), (60.0, 60.0), (50.0, 60.0))


def test_an_outline_is_a_row_of_its_points() -> None:
    rows, reasons = yolo.render([Annotation("bus", polygon=SQUARE[:3])], 100, 200, CLASSES, "segment")
    assert rows == ["1 0.100000 0.050000 0.300000 0.050000 0.300000 0.150000"]
    assert not reasons


def test_pieces_and_holes_are_one_ring_with_the_same_area() -> None:
    rows, reasons = yolo.render([Annotation("car", parts=((SQUARE, HOLE), (FAR,)))], 100, 100, CLASSES, "segment")
    numbers = [float(value) * 100 for value in rows[0].split()[1:]]
    ring = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    assert area(ring) == pytest.approx(400 - 100 + 100)
    assert set(ring) == {*SQUARE, *HOLE, *FAR}
    assert reasons == {"outline_bridged": 1}


def test_a_mask_becomes_the_outline_of_its_pixels() -> None:
    mask = from_outlines([(SQUARE,)], 100, 100)
    rows, reasons = yolo.render([Annotation("car", mask=mask)], 100, 100, CLASSES, "segment")
    assert sorted(rows[0].split()[1:]) == ["0.100000"] * 4 + ["0.300000"] * 4
    assert reasons == {"mask_as_outline": 1}


def test_a_box_among_outlines_becomes_one() -> None:
    rows, reasons = yolo.render([Annotation("car", box=(10, 20, 30, 40))], 100, 100, CLASSES, "segment")
    assert rows == ["0 0.100000 0.200000 0.400000 0.200000 0.400000 0.600000 0.100000 0.600000"]
    assert reasons == {"box_as_outline": 1}


def test_every_row_of_a_pose_has_as_many_keypoints() -> None:
    labels = [
        Annotation("car", box=(10, 10, 20, 20), keypoints=((10, 10, 2), (20, 20, 1), (500, 500, 2))),
        Annotation("car", box=(40, 40, 20, 20), keypoints=((50, 50, 2),)),
        Annotation("car", box=(70, 70, 20, 20)),
    ]
    rows, reasons = yolo.render(labels, 100, 100, CLASSES, "pose", 3)
    assert [len(row.split()) for row in rows] == [5 + 3 * 3] * 3
    assert rows[0].endswith("0.100000 0.100000 2 0.200000 0.200000 1 0.000000 0.000000 0")
    assert reasons == {"keypoints_padded": 2}


def test_keypoints_alone_get_the_box_around_them() -> None:
    rows, reasons = yolo.render([Annotation("car", keypoints=((10, 20, 2), (30, 60, 1)))], 100, 100, CLASSES, "pose")
    assert rows[0].startswith("0 0.200000 0.400000 0.200000 0.400000 ")
    assert reasons == {"box_from_keypoints": 1}


def test_a_turned_box_is_a_row_of_its_corners() -> None:
    label = Annotation("car", box=(40, 45, 20, 10), rotation=math.pi / 2)
    rows, reasons = yolo.render([label], 100, 100, CLASSES, "obb")
    assert rows == ["0 0.550000 0.400000 0.550000 0.600000 0.450000 0.600000 0.450000 0.400000"]
    assert not reasons


def test_an_outline_becomes_the_smallest_turned_box_around_it() -> None:
    diamond = ((50.0, 30.0), (60.0, 40.0), (70.0, 50.0), (50.0, 70.0), (30.0, 50.0))
    rows, reasons = yolo.render([Annotation("car", polygon=diamond)], 100, 100, CLASSES, "obb")
    numbers = [round(float(value) * 100, 3) for value in rows[0].split()[1:]]
    assert set(zip(numbers[::2], numbers[1::2], strict=True)) == {(50, 30), (70, 50), (50, 70), (30, 50)}
    assert reasons == {"outline_as_box": 1}


def test_corners_beyond_the_edge_are_moved_to_it_because_one_outside_spoils_the_image() -> None:
    label = Annotation("car", box=(85, 40, 20, 20), rotation=math.pi / 4)
    rows, reasons = yolo.render([label], 100, 100, CLASSES, "obb")
    assert max(map(float, rows[0].split()[1:])) == 1
    assert reasons == {"clipped_to_image": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_crowd_is_left_out_and_counted(kind: yolo.Kind) -> None:
    crowd = Annotation("car", box=(1, 1, 5, 5), crowd=True)
    assert yolo.render([crowd], 100, 100, CLASSES, kind) == ([], {"crowd_unsupported": 1})


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({"attributes": {"colour": "red"}}, "attributes_unsupported"),
        ({"track": "7"}, "track_unsupported"),
        ({"occluded": True}, "flags_unsupported"),
        ({"polyline": ((1, 1), (2, 2))}, "polyline_unsupported"),
        ({"relation": ("a", "b")}, "relation_unsupported"),
        ({"spans": ((0, 1, "a"),)}, "text_unsupported"),
    ],
)
def test_what_no_row_says_is_counted_and_the_box_stays(field: dict[str, Any], reason: str) -> None:
    rows, reasons = yolo.render([Annotation("car", box=(1, 1, 5, 5), **field)], 100, 100, CLASSES)
    assert len(rows) == 1
    assert reasons == {reason: 1}


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(any_label(), max_size=5), st.integers(1, 4000), st.integers(1, 4000))
def test_every_row_is_one_that_a_training_takes(
    kind: yolo.Kind, labels: list[Annotation], width: int, height: int
) -> None:
    names = tuple(dict.fromkeys(label.label for label in labels))
    count = max((len(label.keypoints or ()) for label in labels), default=0)
    rows, _ = yolo.render(labels, width, height, names, kind, count)
    numbers = [[float(value) for value in row.split(" ")] for row in rows]
    assert not complaints(numbers, len(names), {"kpt_shape": [count, 3]}, kind)


def test_every_label_of_a_kind_is_written_or_counted() -> None:
    """A reason for each label that has no row."""
    labels = [Annotation("car"), Annotation("car", keypoints=((1, 1, 0),)), Annotation("car", mask=EMPTY)]
    for kind in KINDS:
        for label in labels:
            rows, reasons = yolo.render([label], 100, 100, CLASSES, kind, 1)
            assert not rows
            assert reasons, (kind, label)


@pytest.mark.parametrize(
    "ring", [((0, 0), (0, 0), (50, 70), (50, 70)), ((0, 0), (20, 20), (40, 40), (60, 60)), ((0, 0), (9, 9), (5, 5))]
)
def test_corners_on_a_slanted_line_are_no_turned_box(ring: tuple[tuple[float, float], ...]) -> None:
    rows, reasons = yolo.render([Annotation("car", polygon=ring)], 100, 100, CLASSES, "obb")
    assert rows == []
    assert reasons["empty_box"] == 1
