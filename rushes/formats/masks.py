"""Masks: pixels of a label, kept as the COCO API's runs, and worked on by its own code.

pycocotools and numpy are imported where they are used: most labels have no mask, and a command starts sooner without.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rushes.labels import Box, Mask, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "area_of_mask",
    "box_of_mask",
    "check_mask",
    "from_outlines",
    "from_pixels",
    "from_runs",
    "pixels",
    "scale_mask",
]


MAX_PIXELS = 2**28
"""A mask of a larger picture is refused: to look at it takes a byte a pixel."""


def check_mask(mask: Mask) -> Mask:
    """Returns a mask that came from outside, because the COCO API does not look at what it reads before it writes.

    Raises:
        ValueError: It is not as long as its picture is large, or the picture is too large.
    """
    height, width = mask.size
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"a mask of 1 to {MAX_PIXELS} pixels, not {height}x{width}")
    if not mask.counts.isascii() or not mask.counts:
        raise ValueError("runs in COCO's compressed text")
    total = sum(_runs(mask.counts, height * width))
    if total != height * width:
        raise ValueError(f"runs that add up to {height}x{width} = {height * width} pixels, not {total}")
    return mask


def _runs(counts: str, most: int) -> list[int]:
    """Returns compressed runs as lengths, each at most so long.

    A run is written in groups of six bits, lowest first; from the fourth on, less the one before the last. Format:
    rleFrString in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c
    """
    runs: list[int] = []
    value = shift = 0
    for byte in counts.encode():
        group = byte - 48
        if not 0 <= group < 64 or shift > 30:
            raise ValueError("runs in COCO's compressed text")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value |= -1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        if not 0 <= runs[-1] <= most:
            raise ValueError("runs in COCO's compressed text, none longer than the picture")
        value = shift = 0
    if shift:
        raise ValueError("runs in COCO's compressed text, the last one whole")
    return runs


def box_of_mask(mask: Mask) -> Box:
    """Returns the smallest upright box around a mask's pixels; its size is 0 where there are none."""
    from pycocotools import mask as api

    x, y, width, height = api.toBbox(_rle(mask)).tolist()
    return x, y, width, height


def area_of_mask(mask: Mask) -> int:
    """Returns how many pixels a mask has."""
    from pycocotools import mask as api

    return int(api.area(_rle(mask)))


def pixels(mask: Mask) -> NDArray[np.bool_]:
    """Returns a mask as an array of shape (height, width), true where it is."""
    import numpy as np

    # Not by the API's own decode, which tells numpy 2 of arrays in a way that it is about to give up.
    runs = _runs(mask.counts, mask.size[0] * mask.size[1])
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(mask.size, order="F")


def from_pixels(array: NDArray[Any]) -> Mask:
    """Returns the mask of an array of shape (height, width): what is not 0 belongs to it."""
    import numpy as np
    from pycocotools import mask as api

    return _mask(api.encode(np.asfortranarray(array != 0, dtype=np.uint8)))


def from_runs(counts: Iterable[int], height: int, width: int) -> Mask:
    """Returns the mask of COCO's uncompressed runs, column by column, beginning with pixels that do not belong to it.

    Raises:
        ValueError: The runs are not as long as the picture is large, or it is too large.
    """
    from pycocotools import mask as api

    runs = list(counts)
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"a mask of 1 to {MAX_PIXELS} pixels, not {height}x{width}")
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"runs that add up to {height}x{width} = {height * width} pixels, not {sum(runs)}")
    return _mask(api.frPyObjects({"size": [height, width], "counts": runs}, height, width))


def from_outlines(parts: Iterable[Part], height: int, width: int) -> Mask:
    """Returns the mask of outlines, each without the holes in it; one may lie in a hole of another."""
    from pycocotools import mask as api

    return _mask(api.merge([_rle(_filled(part, height, width)) for part in parts]))


def _filled(part: Part, height: int, width: int) -> Mask:
    from pycocotools import mask as api

    outer, *holes = (_mask(found) for found in api.frPyObjects([_flat(ring) for ring in part], height, width))
    if not holes:
        return outer
    return from_pixels(pixels(outer) & ~pixels(_mask(api.merge([_rle(hole) for hole in holes]))))


def scale_mask(mask: Mask, sx: float, sy: float) -> Mask:
    """Returns a mask of the scaled picture, of the nearest whole size; each pixel is the one that lay at its centre."""
    import numpy as np

    height, width = mask.size
    new_height, new_width = max(1, round(height * sy)), max(1, round(width * sx))
    if (new_height, new_width) == (height, width):
        return mask
    rows = np.minimum((np.arange(new_height) + 0.5) * height / new_height, height - 1).astype(int)
    columns = np.minimum((np.arange(new_width) + 0.5) * width / new_width, width - 1).astype(int)
    return from_pixels(pixels(mask)[rows][:, columns])


def _flat(ring: Iterable[tuple[float, float]]) -> list[float]:
    return [value for point in ring for value in point]


def _rle(mask: Mask) -> dict[str, Any]:
    return {"size": list(mask.size), "counts": mask.counts.encode()}


def _mask(rle: dict[str, Any]) -> Mask:
    height, width = rle["size"]
    return Mask((int(height), int(width)), rle["counts"].decode())
