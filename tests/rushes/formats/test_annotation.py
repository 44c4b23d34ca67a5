from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import AnnotationError
from rushes.formats.annotation import dump, parse
from rushes.formats.masks import pixels
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label

PIXELS = 1e-6


@given(st.lists(any_label(), max_size=4))
def test_what_is_dumped_is_parsed_back(labels: list[Annotation]) -> None:
    listed = [dump(label) for label in labels]
    assert parse(listed, "here") == tuple(labels)
    assert parse(msgspec.json.encode(listed).decode(), "here") == tuple(labels)


def test_a_mask_may_come_as_runs() -> None:
    (label,) = parse([{"class": "a", "mask": {"size": [2, 3], "counts": [1, 2, 3]}}], "here")
    assert label.mask is not None
    assert pixels(label.mask).tolist() == [[False, True, False], [True, False, False]]


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
        ({"class": "a", "parts": []}, "parts = []"),
        ({"class": "a", "parts": [[]]}, "parts = [[]]"),
        ({"class": "a", "parts": [[[[0, 0], [1, 1]]]]}, "at least three points"),
        ({"class": "a", "parts": [[[[0, 0], [1, 1], [2, 0]]]], "polygon": [[0, 0], [1, 1], [2, 0]]}, "both given"),
        ({"class": "a", "polyline": [[0, 0]]}, "two points"),
        ({"class": "a", "mask": {"size": [2, 2]}}, '"counts"'),
        ({"class": "a", "mask": {"size": [2, 2], "counts": [1, 2]}}, "add up to 2x2"),
        ({"class": "a", "mask": {"size": [2, 2], "counts": [-1, 5]}}, "whole numbers from 0"),
        ({"class": "a", "mask": {"size": [2, 2], "counts": "~"}}, "compressed text"),
        ({"class": "a", "mask": {"size": [2, 2], "counts": 4}}, '"size"'),
        ({"class": "a", "mask": {"size": [2, -2], "counts": [4]}}, '"size"'),
        ({"class": "a", "relation": ["x"]}, "[from id, to id]"),
        ({"class": "a", "relation": ["x", ""]}, "a name or a number"),
        ({"class": "a", "spans": [[3, 2, "x"]]}, "start before end"),
        ({"class": "a", "crowd": 1}, "true or false"),
        ("car", "annotations[1] = 'car'"),
    ],
)
def test_a_label_that_is_none_is_named_with_place_index_key_and_value(label: Any, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        parse([{"class": "fine"}, label], "items.csv:12")
    assert str(caught.value).startswith("items.csv:12: annotations[1]")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "value", ["", "{", "[{]", "[" * 100_000, '[{"class": "a", "box": [NaN, 0, 1, 1]}]', "{}", "5", "null", 5, {}]
)
def test_what_is_no_list_of_labels_is_refused(value: object) -> None:
    with pytest.raises(AnnotationError, match=r"^items.csv:12: annotations = "):
        parse(value, "items.csv:12")


def test_a_long_value_does_not_fill_the_message() -> None:
    with pytest.raises(AnnotationError) as caught:
        parse("x" * 100_000, "items.csv:12")
    assert len(str(caught.value)) < 500
