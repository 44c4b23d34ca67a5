from __future__ import annotations

import numpy as np
from hypothesis import given

from rushes.formats.geometry import area
from rushes.formats.masks import area_of_mask, from_outlines, from_pixels
from rushes.formats.rings import bridged
from rushes.formats.tracing import trace
from rushes.labels import Mask
from tests.rushes.formats.strategies import masks

RING = np.array([[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])


def test_an_outline_has_a_point_where_it_turns_and_holes_after_it() -> None:
    ring = [[(0, 0), (3, 0), (3, 3), (0, 3)], [(2, 1), (1, 1), (1, 2), (2, 2)]]
    dot = [[(3, 3), (4, 3), (4, 4), (3, 4)]]
    assert [[list(found) for found in part] for part in trace(from_pixels(RING))] == [ring, dot]


@given(masks())
def test_to_fill_the_outlines_gives_the_same_pixels(mask: Mask) -> None:
    parts = trace(mask)
    assert all(len(ring) >= 4 for part in parts for ring in part)
    if parts:
        assert from_outlines(parts, *mask.size) == mask


@given(masks())
def test_one_bridged_ring_has_the_area_of_all(mask: Mask) -> None:
    parts = trace(mask)
    if parts:
        assert area(bridged(parts)) == area_of_mask(mask)
