"""Plane geometry of labels: pixels, origin at the top left corner, y downwards."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rushes.labels import Box, Part, Point

__all__ = ["area", "bounds", "clamp_box", "clip_part", "clip_polygon", "corners", "scale_rotated"]


def bounds(points: Iterable[Point]) -> Box:
    """Returns the smallest upright box, as x, y, width, height, around points; there must be at least one."""
    xs, ys = zip(*points, strict=True)
    left, top = min(xs), min(ys)
    return left, top, max(xs) - left, max(ys) - top


def corners(box: Box, rotation: float) -> tuple[Point, ...]:
    """Returns the four corners of a box turned clockwise about its centre by `rotation` radians."""
    x, y, width, height = box
    cos, sin = math.cos(rotation), math.sin(rotation)
    centre_x, centre_y = x + width / 2, y + height / 2
    offsets = ((-width, -height), (width, -height), (width, height), (-width, height))
    return tuple((centre_x + (dx * cos - dy * sin) / 2, centre_y + (dx * sin + dy * cos) / 2) for dx, dy in offsets)


def area(points: Iterable[Point]) -> float:
    """Returns the area of a polygon, in square pixels (shoelace formula)."""
    ring = list(points)
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    return abs(math.fsum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2


def clamp_box(box: Box, width: float, height: float) -> Box:
    """Returns the part of an upright box that lies in the image; its size is 0 where they do not meet."""
    x, y, box_width, box_height = box
    if 0 <= x <= x + box_width <= width and 0 <= y <= y + box_height <= height:
        return box
    left, top = _clamp(x, width), _clamp(y, height)
    return left, top, _clamp(x + box_width, width) - left, _clamp(y + box_height, height) - top


def clip_polygon(points: Iterable[Point], width: float, height: float) -> tuple[Point, ...]:
    """Returns the part of a polygon that lies in the image (Sutherland and Hodgman's algorithm), or nothing."""
    ring = tuple(points)
    for axis, limit, sign in ((0, 0.0, 1), (0, float(width), -1), (1, 0.0, 1), (1, float(height), -1)):
        ring = _clip_edge(ring, axis, limit, sign)
    return tuple((_clamp(x, width), _clamp(y, height)) for x, y in ring)


def clip_part(part: Part, width: float, height: float) -> Part:
    """Returns the part of an outline with holes that lies in the image, or nothing."""
    outer, *holes = (clip_polygon(ring, width, height) for ring in part)
    return (outer, *filter(None, holes)) if outer else ()


def scale_rotated(box: Box, rotation: float, sx: float, sy: float) -> tuple[Box, float]:
    """Returns a turned box in a stretched image; where sx and sy differ, the nearest box to what becomes a rhomboid."""
    x, y, width, height = box
    cos, sin = math.cos(rotation), math.sin(rotation)
    new_width = width * math.hypot(sx * cos, sy * sin)
    new_height = height * math.hypot(sx * sin, sy * cos)
    centre_x, centre_y = (x + width / 2) * sx, (y + height / 2) * sy
    turn = math.remainder(math.atan2(sy * sin, sx * cos) - rotation, math.tau)
    return (centre_x - new_width / 2, centre_y - new_height / 2, new_width, new_height), rotation + turn


def _clamp(value: float, limit: float) -> float:
    return min(max(value, 0.0), float(limit))


def _clip_edge(ring: tuple[Point, ...], axis: int, limit: float, sign: int) -> tuple[Point, ...]:
    kept: list[Point] = []
    for before, point in zip(ring[-1:] + ring[:-1], ring, strict=True):
        was_inside, inside = ((p[axis] - limit) * sign >= 0 for p in (before, point))
        if inside != was_inside:
            kept.append(_crossing(before, point, axis, limit))
        if inside:
            kept.append(point)
    return tuple(kept)


def _crossing(a: Point, b: Point, axis: int, limit: float) -> Point:
    share = (limit - a[axis]) / (b[axis] - a[axis])
    other = a[1 - axis] + share * (b[1 - axis] - a[1 - axis])
    return (limit, other) if axis == 0 else (other, limit)
