"""Items of datasets as hypothesis draws them."""

from __future__ import annotations

from hypothesis import strategies as st
from msgspec.structs import replace

from rushes.formats.dataset import Labelled
from tests.rushes.formats.strategies import JSON, NAME, any_label

CLASSES = ("car", "a/b & <c>", 'Straße, "x"', "=1+1")


@st.composite
def any_item(draw: st.DrawFn, path: str = "media/a.jpg") -> Labelled:
    """Draws an item that a dataset can hold, with classes among `CLASSES`."""
    labels = draw(st.lists(any_label(), max_size=2))
    return Labelled(
        id=draw(NAME),
        path=path,
        width=draw(st.none() | st.integers(1, 9999)),
        height=draw(st.none() | st.integers(1, 9999)),
        annotations=tuple(replace(label, label=draw(st.sampled_from(CLASSES))) for label in labels),
        labelled=bool(labels) or draw(st.booleans()),
        label=draw(st.none() | st.sampled_from(CLASSES)),
        split=draw(st.none() | st.sampled_from(["train", "val", "test"])),
        group=draw(st.none() | NAME),
        attributes=draw(JSON),
    )
