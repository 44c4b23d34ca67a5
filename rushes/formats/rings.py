"""Rings of one label as formats want them: bridged into one, or boxed in by the smallest turned box."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rushes.labels import Box, Part, Point, Ring

__all__ = ["as_turned_box", "bridged", "smallest_box"]


def bridged(parts: Sequence[Part]) -> Ring:
    """Returns all rings of a label as one, joined by bridges without width, from corner to nearest corner.

    Outlines run one way and holes the other, so area and filled pixels stay what they were, to the last bit of a
    filler that goes by the even-odd or by the winding rule.
    """
    rings = [_turning(ring, hole) for part in parts for hole, ring in enumerate(part)]
    joined = rings[0]
    for ring in rings[1:]:
        joined = _join(joined, ring)
    return joined


def smallest_box(points: Iterable[Point]) -> tuple[Box, float]:
    """Returns the turned box of the smallest area around points, and its rotation in radians.

    One of its sides lies on a side of the points' hull (Freeman and Shapira, 1975).
    """
    hull = _hull(points)
    pairs = zip(hull, hull[1:] + hull[:1], strict=True)
    angles = {math.atan2(y1 - y0, x1 - x0) % (math.pi / 2) for (x0, y0), (x1, y1) in pairs}
    return min((_box_at(hull, angle) for angle in sorted(angles)), key=lambda found: found[0][2] * found[0][3])


def as_turned_box(corners: Sequence[Point], tolerance: float) -> tuple[Box, float] | None:
    """Returns the box, and its rotation in radians, whose corners four points are; None where they are no box.

    Args:
        corners: In order; the first two are the upper side of the box before it was turned.
        tolerance: How far, in pixels, a corner may be off.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners
    width, height = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
    if abs(x0 - x1 + x2 - x3) > tolerance or abs(y0 - y1 + y2 - y3) > tolerance:
        return None
    if abs(math.hypot(x2 - x0, y2 - y0) - math.hypot(x3 - x1, y3 - y1)) > tolerance:
        return None
    if (x1 - x0) * (y3 - y0) - (y1 - y0) * (x3 - x0) < 0:
        return None  # in a mirror: no turn of a box leads there
    centre_x, centre_y = (x0 + x1 + x2 + x3) / 4, (y0 + y1 + y2 + y3) / 4
    return (centre_x - width / 2, centre_y - height / 2, width, height), math.atan2(y1 - y0, x1 - x0)


def _turning(ring: Ring, hole: int) -> Ring:
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    clockwise = math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) > 0
    return ring if clockwise != bool(hole) else ring[::-1]


def _join(ring: Ring, other: Ring) -> Ring:
    at, to = _nearest(ring, other)
    return (*ring[: at + 1], *other[to:], *other[: to + 1], *ring[at:])


def _nearest(ring: Ring, other: Ring) -> tuple[int, int]:
    import numpy as np  # slow to import, and few labels have more than one ring

    points, best = np.asarray(ring), (math.inf, 0, 0)
    for index, point in enumerate(other):
        squares = ((points - point) ** 2).sum(axis=1)
        at = int(squares.argmin())
        best = min(best, (float(squares[at]), at, index))
    return best[1], best[2]


def _box_at(hull: Sequence[Point], angle: float) -> tuple[Box, float]:
    cos, sin = math.cos(angle), math.sin(angle)
    along = [x * cos + y * sin for x, y in hull]
    across = [y * cos - x * sin for x, y in hull]
    width, height = max(along) - min(along), max(across) - min(across)
    u, v = min(along) + width / 2, min(across) + height / 2
    return (u * cos - v * sin - width / 2, u * sin + v * cos - height / 2, width, height), angle


def _hull(points: Iterable[Point]) -> list[Point]:
    """Returns the convex hull (Andrew's monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    return _half(ordered)[:-1] + _half(ordered[::-1])[:-1]


def _half(ordered: Iterable[Point]) -> list[Point]:
    found: list[Point] = []
    for x, y in ordered:
        while len(found) > 1 and _turn(found[-2], found[-1], (x, y)) <= 0:
            found.pop()
        found.append((x, y))
    return found


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
