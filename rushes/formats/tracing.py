"""From masks to outlines, exactly: rings run along the edges of pixels, so that to fill them gives the same pixels."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from rushes.formats.masks import pixels
from rushes.labels import Mask, Part, Ring

__all__ = ["trace"]

_Corner = tuple[int, int]
_Edge = tuple[_Corner, _Corner]


def trace(mask: Mask) -> tuple[Part, ...]:
    """Returns the outlines of a mask, with its holes; pixels that only touch at a corner are pieces of their own.

    Points stand where the edge turns, and nothing is simplified.
    """
    loops = _loops(_edges(mask))
    loops.sort(key=_upper_left)
    by_row = _upright_edges(loops)
    parts: list[list[Ring]] = []
    owners: list[int] = []
    for loop in loops:
        if _area2(loop) > 0:
            owners.append(len(parts))
            parts.append([_ring(loop)])
        else:
            # What lies left of a hole's uppermost corner belongs to what surrounds it: its outline, or one more hole.
            y, x = _upper_left(loop)
            row = by_row[y]
            owners.append(owners[row[bisect_left(row, (x, -1)) - 1][1]])
            parts[owners[-1]].append(_ring(loop))
    return tuple(tuple(part) for part in parts)


def _edges(mask: Mask) -> list[_Edge]:
    """Returns the pixels' edges between inside and outside, with the inside at the right hand."""
    import numpy as np

    padded = np.pad(pixels(mask), 1).astype(np.int8)
    down, right = np.diff(padded, axis=0), np.diff(padded, axis=1)
    found: list[_Edge] = []
    for y, x in np.argwhere(down).tolist():  # between the rows y - 1 and y of the picture
        found.append(((x - 1, y), (x, y)) if down[y, x] > 0 else ((x, y), (x - 1, y)))
    for y, x in np.argwhere(right).tolist():
        found.append(((x, y), (x, y - 1)) if right[y, x] > 0 else ((x, y - 1), (x, y)))
    return found


def _loops(edges: Sequence[_Edge]) -> list[list[_Corner]]:
    ways: defaultdict[_Corner, list[_Corner]] = defaultdict(list)
    for begin, end in edges:
        ways[begin].append(end)
    left = set(edges)
    loops: list[list[_Corner]] = []
    for first in edges:
        if first not in left:
            continue
        loop, edge = [], first
        while edge in left:
            left.remove(edge)
            loop.append(edge[0])
            edge = edge[1], _onward(edge, ways[edge[1]])
        loops.append(loop)
    return loops


def _onward(edge: _Edge, ways: Sequence[_Corner]) -> _Corner:
    """Returns where to go; where two pixels touch at a corner, to the right, so that they come apart."""
    (x0, y0), (x1, y1) = edge
    right = (x1 - (y1 - y0), y1 + (x1 - x0))
    return right if right in ways else ways[0]


def _upright_edges(loops: Sequence[Sequence[_Corner]]) -> dict[int, list[tuple[int, int]]]:
    """Returns for each row of pixels where upright edges stand, and of which loop they are."""
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, loop in enumerate(loops):
        for (x0, y0), (_, y1) in zip(loop, [*loop[1:], loop[0]], strict=True):
            if y0 != y1:
                found[min(y0, y1)].append((x0, number))
    return {row: sorted(edges) for row, edges in found.items()}


def _upper_left(loop: Sequence[_Corner]) -> tuple[int, int]:
    return min((y, x) for x, y in loop)


def _area2(loop: Sequence[_Corner]) -> int:
    """Returns twice the area: positive of an outline, negative of a hole."""
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(loop, [*loop[1:], loop[0]], strict=True))


def _ring(loop: Sequence[_Corner]) -> Ring:
    """Returns the corners at which a loop turns."""
    around = zip([loop[-1], *loop[:-1]], loop, [*loop[1:], loop[0]], strict=True)
    return tuple((float(x), float(y)) for (x0, y0), (x, y), (x1, y1) in around if (x - x0, y - y0) != (x1 - x, y1 - y))
