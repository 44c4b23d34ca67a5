"""Where boxes are, how large they are beside their picture, and how long and how fast videos are.

Counts in a fixed number of places, so that they take the same memory for a thousand files and for a million.
"""

from __future__ import annotations

import bisect
from collections import Counter
from typing import Any

from rushes.labels import Box

__all__ = ["AREAS", "DURATIONS_S", "GRID", "BoxPlaces", "Histogram"]

GRID = 16
"""Rows, and columns, of the grid that the centres of boxes are counted in."""
AREAS = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Upper bounds of a box's share of its picture."""
DURATIONS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Upper bounds of a video's length, in seconds."""


class Histogram:
    """Counts numbers between bounds; what is beyond the last one is `more`."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Counts a number; one that is a bound belongs to what is above it."""
        self._counts[bisect.bisect_right(self._bounds, value)] += 1

    def result(self) -> list[dict[str, Any]]:
        """Returns how many are below each bound, and above the one before."""
        bounds = [*self._bounds, None]
        return [{"below": bound, "count": count} for bound, count in zip(bounds, self._counts, strict=True)]


class BoxPlaces:
    """Where the centres of boxes are in their pictures, and what share of these they cover."""

    def __init__(self) -> None:
        self._centres: Counter[int] = Counter()
        self._shares = Histogram(AREAS)

    def add(self, box: Box, width: int, height: int) -> None:
        """Counts a box of a picture of this size."""
        x, y, box_width, box_height = box
        column = _cell((x + box_width / 2) / width)
        row = _cell((y + box_height / 2) / height)
        self._centres[row * GRID + column] += 1
        self._shares.add(box_width * box_height / (width * height))

    def centres(self) -> list[list[int]]:
        """Returns how many centres are in each cell: rows from top to bottom, each from left to right."""
        return [[self._centres[row * GRID + column] for column in range(GRID)] for row in range(GRID)]

    def shares(self) -> list[dict[str, Any]]:
        """Returns how many boxes cover how much of their picture."""
        return self._shares.result()


def _cell(share: float) -> int:
    return min(GRID - 1, max(0, int(share * GRID)))
