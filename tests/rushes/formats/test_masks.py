from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from rushes.formats.masks import (
    area_of_mask,
    box_of_mask,
    check_mask,
    from_outlines,
    from_pixels,
    from_runs,
    pixels,
    scale_mask,
)
from rushes.labels import Mask

PICTURES = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(PICTURES)
def test_pixels_come_back_as_they_were(picture: NDArray[np.bool_]) -> None:
    mask = check_mask(from_pixels(picture))
    assert mask.size == picture.shape
    assert (pixels(mask) == picture).all()
    assert area_of_mask(mask) == picture.sum()


@given(PICTURES)
def test_runs_are_counted_down_the_columns(picture: NDArray[np.bool_]) -> None:
    flat = np.concatenate([[False], picture.ravel(order="F")])
    edges = np.flatnonzero(np.diff(flat)) + 0
    runs = np.diff([0, *edges, picture.size]).tolist()
    assert from_runs(runs, *picture.shape) == from_pixels(picture)


def test_a_box_reaches_around_all_pixels() -> None:
    picture = np.zeros((10, 20), bool)
    picture[2:5, 3:9] = True
    assert box_of_mask(from_pixels(picture)) == (3, 2, 6, 3)
    assert box_of_mask(from_pixels(np.zeros((10, 20), bool)))[2:] == (0, 0)


def test_holes_are_no_part_of_the_mask() -> None:
    outer = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
    hole = ((4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0))
    found = pixels(from_outlines([(outer, hole)], 12, 12))
    assert found.sum() == 96
    assert not found[4:6, 4:6].any()


def test_a_scaled_mask_covers_the_scaled_pixels() -> None:
    picture = np.zeros((10, 20), bool)
    picture[2:4, 10:20] = True
    scaled = pixels(scale_mask(from_pixels(picture), 0.5, 2))
    assert scaled.shape == (20, 10)
    assert scaled[4:8, 5:].all()
    assert scaled.sum() == 20


@given(PICTURES, st.integers(1, 4), st.integers(1, 4))
def test_enlarging_and_shrinking_gives_the_same_mask(picture: NDArray[np.bool_], sx: int, sy: int) -> None:
    mask = from_pixels(picture)
    assert scale_mask(scale_mask(mask, sx, sy), 1 / sx, 1 / sy) == mask


@given(st.text(st.characters(min_codepoint=32, max_codepoint=127), max_size=20), st.integers(1, 9), st.integers(1, 9))
def test_what_is_let_through_is_as_long_as_its_picture(counts: str, height: int, width: int) -> None:
    try:
        mask = check_mask(Mask((height, width), counts))
    except ValueError:
        return
    assert pixels(mask).shape == (height, width)


@pytest.mark.parametrize(
    ("counts", "size"),
    [
        ("", (2, 2)),
        ("3", (2, 2)),  # one pixel short
        ("5", (2, 2)),  # one too many
        ("P", (2, 2)),  # goes on, and does not
        ("oooooooooo0", (2, 2)),  # longer than any number
        ("4 ", (2, 2)),
        ("4é", (2, 2)),
        ("4", (0, 4)),
        ("4", (2**20, 2**20)),
    ],
)
def test_runs_that_do_not_fit_their_picture_are_refused(counts: str, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"runs|pixels"):
        check_mask(Mask(size, counts))


@pytest.mark.parametrize("runs", [[], [3], [5], [-1, 5]])
def test_plain_runs_that_do_not_fit_are_refused(runs: list[int]) -> None:
    with pytest.raises(ValueError, match="add up"):
        from_runs(runs, 2, 2)
