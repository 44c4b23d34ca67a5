"""Labels as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st

from rushes.records import Annotation

PIXEL = st.floats(-2000, 4000, allow_nan=False, width=32)
SIZE = st.floats(0, 3000, allow_nan=False, width=32)
NAME = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
JSON = st.dictionaries(st.text(max_size=4), st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=4))


@st.composite
def any_label(draw: st.DrawFn) -> Annotation:
    """Draws any label that a source file can hold."""
    box = draw(st.none() | st.tuples(PIXEL, PIXEL, SIZE, SIZE))
    when = draw(st.sampled_from(["never", "frame", "time"]))
    return Annotation(
        label=draw(NAME),
        box=box,
        polygon=draw(st.none() | st.lists(st.tuples(PIXEL, PIXEL), min_size=3, max_size=6).map(tuple)),
        keypoints=draw(
            st.none() | st.lists(st.tuples(PIXEL, PIXEL, st.sampled_from([0.0, 1.0, 2.0])), min_size=1).map(tuple)
        ),
        rotation=None if box is None else draw(st.none() | st.floats(-3, 3)),
        frame=draw(st.integers(0, 10**6)) if when == "frame" else None,
        time_s=draw(st.floats(0, 10**5)) if when == "time" else None,
        track=draw(st.none() | NAME),
        attributes=draw(JSON),
    )
