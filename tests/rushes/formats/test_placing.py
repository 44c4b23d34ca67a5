from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.formats.masks import from_pixels
from rushes.formats.placing import box_of, clip, outlines, scale
from rushes.labels import Annotation
from tests.rushes.formats.strategies import any_label

PIXELS = 1e-6
SQUARE = ((10.0, 10.0), (20.0, 10.0), (20.0, 20.0), (10.0, 20.0))
FAR = ((110.0, 10.0), (120.0, 10.0), (120.0, 20.0))
FULL = from_pixels(np.ones((100, 100)))


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


def test_parts_lines_and_masks_follow_the_size_of_the_picture() -> None:
    label = Annotation("a", parts=((SQUARE,),), polyline=((2, 4), (6, 8)), mask=from_pixels(np.ones((4, 4))))
    assert scale(label, 0.5, 2) == Annotation(
        "a",
        parts=((((5, 20), (10, 20), (10, 40), (5, 40)),),),
        polyline=((1, 8), (3, 16)),
        mask=from_pixels(np.ones((8, 2))),
    )


@pytest.mark.parametrize(
    ("label", "box"),
    [
        (Annotation("a", parts=((SQUARE,), (FAR,))), (10, 10, 110, 10)),
        (Annotation("a", mask=from_pixels(np.pad(np.ones((2, 3)), ((4, 0), (5, 0))))), (5, 4, 3, 2)),
        (Annotation("a", polyline=((2, 4), (6, 8))), None),
        (Annotation("a", keypoints=((2, 4, 2),)), None),
    ],
)
def test_a_label_that_covers_something_has_a_box(label: Annotation, box: tuple[float, ...] | None) -> None:
    assert box_of(label) == box


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
    rings = [ring for part in outlines(clipped) for ring in part]
    for x, y in [*(point for ring in rings for point in ring), *((x, y) for x, y, _ in clipped.keypoints or ())]:
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
        (Annotation("a", polyline=((-50, 5), (50, 5))), Annotation("a", polyline=((-50, 5), (50, 5))), None),
        (Annotation("a", polyline=((-50, 5), (-5, 5))), None, "outside_image"),
        (
            Annotation("a", parts=((SQUARE,), (FAR,))),
            Annotation("a", parts=((SQUARE,),)),
            "clipped_to_image",
        ),
        (Annotation("a", parts=((FAR,),)), None, "outside_image"),
        (Annotation("a", mask=from_pixels(np.zeros((100, 100)))), None, "empty_box"),
        (Annotation("a", mask=from_pixels(np.ones((100, 100)))), Annotation("a", mask=FULL), None),
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
