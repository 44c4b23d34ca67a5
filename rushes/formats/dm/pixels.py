"""Pixels of DM, counted row by row, and masks of the COCO API, counted column by column."""

from __future__ import annotations

from typing import Any

from rushes.formats.dm.segmentation import RAW, Size, ordered
from rushes.formats.dm.values import short, wrong
from rushes.formats.masks import MAX_PIXELS, from_pixels, pixels
from rushes.labels import Mask

__all__ = ["mask_of", "runs_of"]


def mask_of(data: list[Any], encoding: str, size: Size, where: str) -> Mask:
    """Returns the mask of a segmentation's data.

    Args:
        data: Its pixels.
        encoding: `raw_indices` or `dm_rle`.
        size: Of the image.
        where: For messages.

    Raises:
        AnnotationError: The image is too large, or the pixels are not in it, or overlap.
    """
    import numpy as np

    if size.width * size.height > MAX_PIXELS:
        raise wrong(where, f"a mask of {short(size)}; expected at most {MAX_PIXELS} pixels")
    found = ordered(data, encoding, size, where)
    flat = np.zeros(size.width * size.height + 1, np.int8)
    if encoding == RAW:
        flat[np.array(found, np.int64)] = 1
    elif found:
        runs = np.array(found, np.int64)
        flat[runs[:, 0]] += 1
        np.subtract.at(flat, runs.sum(axis=1), 1)
        flat = np.cumsum(flat, dtype=np.int8)
    return from_pixels(flat[:-1].reshape(size.height, size.width))


def runs_of(mask: Mask) -> list[list[int]]:
    """Returns a mask as DM's runs: pairs of the first pixel and the length, row by row."""
    import numpy as np

    flat = np.concatenate(([False], pixels(mask).ravel(), [False]))
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    starts, ends = edges[::2], edges[1::2]
    runs: list[list[int]] = np.stack((starts, ends - starts), axis=1).tolist()
    return runs
