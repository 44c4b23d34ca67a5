from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.formats import yolo
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label

CLASSES = ("car", "bus")


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
    with pytest.raises(ValueError):
        yolo.render([Annotation("lorry", box=(1, 1, 5, 5))], 100, 100, CLASSES)


@given(st.lists(any_label(), max_size=5), st.integers(1, 4000), st.integers(1, 4000))
def test_every_row_is_one_that_a_training_takes(labels: list[Annotation], width: int, height: int) -> None:
    names = tuple(dict.fromkeys(label.label for label in labels))
    rows, _ = yolo.render(labels, width, height, names)
    assert len(set(rows)) == len(rows)
    for row in rows:
        index, *numbers = row.split(" ")
        assert 0 <= int(index) < len(names)
        assert all(0 <= float(number) <= 1 and len(number) == 8 for number in numbers)
        assert float(numbers[2]) > 0
        assert float(numbers[3]) > 0
