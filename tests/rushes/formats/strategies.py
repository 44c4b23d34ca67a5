"""Labels as hypothesis draws them."""

from __future__ import annotations

from typing import Any

import pycocotools.mask  # noqa: F401  # here, because an import within a draw moves random's state under Hypothesis
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from rushes.formats.masks import from_pixels
from rushes.labels import Annotation, Mask

PIXEL = st.floats(-2000, 4000, allow_nan=False, width=32)
SIZE = st.floats(0, 3000, allow_nan=False, width=32)
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
JSON = st.dictionaries(st.text(max_size=4), st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4))
POINT = st.tuples(PIXEL, PIXEL)
RING = st.lists(POINT, min_size=3, max_size=6).map(tuple)
PARTS = st.lists(st.lists(RING, min_size=1, max_size=2).map(tuple), min_size=1, max_size=3).map(tuple)
KEYPOINTS = st.lists(st.tuples(PIXEL, PIXEL, st.sampled_from([0.0, 1.0, 2.0])), min_size=1).map(tuple)
SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(9, 99), NAME), min_size=1, max_size=3).map(tuple)


def masks(max_side: int = 12) -> st.SearchStrategy[Mask]:
    """Draws masks of any shape, of pictures up to so many pixels a side."""
    return arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=max_side)).map(from_pixels)


@st.composite
def any_label(draw: st.DrawFn) -> Annotation:
    """Draws any label that a source file can hold."""
    box = draw(st.none() | st.tuples(PIXEL, PIXEL, SIZE, SIZE))
    when = draw(st.sampled_from(["never", "frame", "time"]))
    outline: dict[str, Any] = draw(
        st.just({}) | st.fixed_dictionaries({"polygon": RING}) | st.fixed_dictionaries({"parts": PARTS})
    )
    return Annotation(
        label=draw(NAME),
        box=box,
        **outline,
        keypoints=draw(st.none() | KEYPOINTS),
        rotation=None if box is None else draw(st.none() | st.floats(-3, 3)),
        frame=draw(st.integers(0, 10**6)) if when == "frame" else None,
        time_s=draw(st.floats(0, 10**5)) if when == "time" else None,
        track=draw(st.none() | NAME),
        attributes=draw(JSON),
        id=draw(st.none() | NAME),
        mask=draw(st.none() | masks()),
        polyline=draw(st.none() | st.lists(POINT, min_size=2, max_size=5).map(tuple)),
        relation=draw(st.none() | st.tuples(NAME, NAME)),
        spans=draw(st.none() | SPANS),
        crowd=draw(st.booleans()),
        difficult=draw(st.booleans()),
        truncated=draw(st.booleans()),
        occluded=draw(st.booleans()),
    )
