from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import AnnotationError
from rushes.formats.annotation import box_of, clip, dump, parse, scale
from rushes.records import Annotation
from tests.rushes.formats.strategies import any_label

PIXELS = 1e-6


@given(st.lists(any_label(), max_size=4))
def test_what_is_dumped_is_parsed_back(labels: list[Annotation]) -> None:
    listed = [dump(label) for label in labels]
    assert parse(listed, "here") == tuple(labels)
    assert parse(msgspec.json.encode(listed).decode(), "here") == tuple(labels)


def test_every_key_of_the_source_file_is_read() -> None:
    text = """[{"class": "car", "box": [1, 2, 3.5, 4], "polygon": [[0, 0], [5, 0], [5, 5]], "keypoints": [[1, 1, 2]],
               "rotation": 0.5, "frame": 7, "track": 12, "attributes": {"colour": "red"}},
               {"class": "bus", "time_s": 1}]"""
    car, bus = parse(text, "items.csv:2")
    assert car == Annotation(
        "car",
        box=(1, 2, 3.5, 4),
        polygon=((0, 0), (5, 0), (5, 5)),
        keypoints=((1, 1, 2),),
        rotation=0.5,
        frame=7,
        track="12",
        attributes={"colour": "red"},
    )
    assert bus == Annotation("bus", time_s=1.0)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({}, "class"),
        ({"class": ""}, "class = ''"),
        ({"class": 5}, "class = 5"),
        ({"class": None}, "class = None"),
        ({"class": "two\nlines"}, "class"),
        ({"class": "a", "bbox": [1, 2, 3, 4]}, "unknown key 'bbox'"),
        ({"class": "a", "box": [1, 2, 3]}, "box = [1, 2, 3]"),
        ({"class": "a", "box": [1, 2, -3, 4]}, "at least 0"),
        ({"class": "a", "box": [1, 2, math.nan, 4]}, "nan"),
        ({"class": "a", "box": [1, 2, math.inf, 4]}, "finite"),
        ({"class": "a", "box": [1, 2, 10**400, 4]}, "finite"),
        ({"class": "a", "box": [1, 2, True, 4]}, "True"),
        ({"class": "a", "box": "1 2 3 4"}, "'1 2 3 4'"),
        ({"class": "a", "polygon": [[0, 0], [1, 1]]}, "three points"),
        ({"class": "a", "polygon": [[0, 0], [1, 1], [1]]}, "polygon"),
        ({"class": "a", "keypoints": [[1, 1, 3]]}, "visibility"),
        ({"class": "a", "keypoints": []}, "keypoints"),
        ({"class": "a", "rotation": 1.0}, "rotation without a box"),
        ({"class": "a", "rotation": "90"}, "radians"),
        ({"class": "a", "frame": -1}, "frame = -1"),
        ({"class": "a", "frame": 1.5}, "frame = 1.5"),
        ({"class": "a", "time_s": -0.1}, "time_s = -0.1"),
        ({"class": "a", "frame": 1, "time_s": 1.0}, "both given"),
        ({"class": "a", "track": ""}, "track"),
        ({"class": "a", "attributes": ["red"]}, "attributes = ['red']"),
        ("car", "annotations[1] = 'car'"),
    ],
)
def test_a_label_that_is_none_is_named_with_place_index_key_and_value(label: Any, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        parse([{"class": "fine"}, label], "items.csv:12")
    assert str(caught.value).startswith("items.csv:12: annotations[1]")
    assert said in str(caught.value)


@pytest.mark.parametrize("value", ["", "{", "[{]", '[{"class": "a", "box": [NaN, 0, 1, 1]}]', "{}", "5", "null", 5, {}])
def test_what_is_no_list_of_labels_is_refused(value: object) -> None:
    with pytest.raises(AnnotationError, match=r"^items.csv:12: annotations = "):
        parse(value, "items.csv:12")


def test_a_long_value_does_not_fill_the_message() -> None:
    with pytest.raises(AnnotationError) as caught:
        parse("x" * 100_000, "items.csv:12")
    assert len(str(caught.value)) < 500


@given(any_label(), st.floats(0.1, 10), st.floats(0.1, 10))
def test_scaling_back_gives_the_same_label(label: Annotation, sx: float, sy: float) -> None:
    # A turned box in a picture stretched one way becomes a rhomboid, which no box is: only even scaling has an inverse.
    sy = sx if label.rotation else sy
    back = scale(scale(label, sx, sy), 1 / sx, 1 / sy)
    assert _numbers(back) == pytest.approx(_numbers(label), abs=1e-6, rel=1e-9)


def test_labels_follow_the_size_of_the_picture() -> None:
    label = Annotation("a", box=(10, 20, 30, 40), polygon=((0, 0), (10, 0), (10, 20)), keypoints=((4, 6, 2),))
    assert scale(label, 0.5, 2) == Annotation(
        "a", box=(5, 40, 15, 80), polygon=((0, 0), (5, 0), (5, 40)), keypoints=((2, 12, 2),)
    )


def test_a_quarter_turned_box_swaps_what_stretches_it() -> None:
    found = scale(Annotation("a", box=(0, 0, 10, 20), rotation=math.pi / 2), 2, 1)
    assert found.rotation == pytest.approx(math.pi / 2)
    assert found.box == pytest.approx((5, -10, 10, 40))
    assert box_of(found) == pytest.approx((-10, 5, 40, 10))


@given(any_label(), st.integers(1, 3000), st.integers(1, 3000))
def test_a_clipped_label_lies_inside_the_picture(label: Annotation, width: int, height: int) -> None:
    clipped, reason = clip(label, width, height)
    if clipped is None:
        assert reason in {"outside_image", "empty_box"}
        return
    assert (reason is None) == (clipped == label)
    assert clip(clipped, width, height) in [(clipped, None), (None, "empty_box")]
    if clipped.box is not None and not clipped.rotation:
        x, y, box_width, box_height = clipped.box
        assert x >= 0
        assert y >= 0
        assert box_width > 0
        assert box_height > 0
        assert x + box_width <= width + PIXELS
        assert y + box_height <= height + PIXELS
    for x, y in [*(clipped.polygon or ()), *((x, y) for x, y, _ in clipped.keypoints or ())]:
        assert 0 <= x <= width
        assert 0 <= y <= height


@pytest.mark.parametrize(
    ("label", "left", "reason"),
    [
        (Annotation("a", box=(90, 90, 20, 20)), Annotation("a", box=(90, 90, 10, 10)), "clipped_to_image"),
        (Annotation("a", box=(10, 10, 20, 20)), Annotation("a", box=(10, 10, 20, 20)), None),
        (Annotation("a", box=(100, 10, 20, 20)), None, "outside_image"),
        (Annotation("a", box=(10, 10, 0, 20)), None, "empty_box"),
        (Annotation("a", polygon=((5, 5), (5, 9), (5, 7))), None, "empty_box"),
        (Annotation("a", polygon=((200, 5), (300, 9), (200, 7))), None, "outside_image"),
        (Annotation("a", keypoints=((-1, 5, 2),)), None, "outside_image"),
        (
            Annotation("a", keypoints=((5, 5, 2), (5, 101, 1))),
            Annotation("a", keypoints=((5, 5, 2), (0, 0, 0))),
            "clipped_to_image",
        ),
        (Annotation("a", box=(95, 0, 20, 5), rotation=0.2), Annotation("a", box=(95, 0, 20, 5), rotation=0.2), None),
        (Annotation("a"), Annotation("a"), None),
    ],
)
def test_clipping_says_what_it_did(label: Annotation, left: Annotation | None, reason: str | None) -> None:
    assert clip(label, 100, 100) == (left, reason)


def test_a_polygon_is_cut_along_the_edge() -> None:
    clipped, _ = clip(Annotation("a", polygon=((50, 50), (150, 50), (50, 150))), 100, 100)
    assert clipped is not None
    assert set(clipped.polygon or ()) == {(50, 50), (100, 50), (100, 100), (50, 100)}


def _numbers(label: Annotation) -> list[float]:
    points = [*(label.polygon or ()), *(label.keypoints or ())]
    return [*(label.box or ()), label.rotation or 0.0, *(value for point in points for value in point)]
