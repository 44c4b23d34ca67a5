"""The demo media's truth, looked up in pixels: each class has its colour, so a label is right or it is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from examples.demo.media import BACKGROUND, COLOURS

__all__ = ["assert_truth", "load_upright"]

Pixels = NDArray[np.uint8]
Box = Sequence[float]

_PALETTE = np.array([BACKGROUND, *COLOURS.values()], dtype=np.int16)
_CLASSES = [None, *COLOURS]
_MARGIN = 10


def load_upright(path: Path) -> Pixels:
    """Returns an image as a viewer shows it."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def assert_truth(pixels: Pixels, labels: Iterable[tuple[str, Box]], tolerance_px: float = 2.0) -> None:
    """Asserts that the picture shows exactly these objects, each where its label says.

    Args:
        pixels: Height, width and RGB, upright.
        labels: Class and x, y, width, height in pixels.
        tolerance_px: How far each edge may be from the colour's; coding and scaling blur it.
    """
    seen = _classify(pixels)
    unclaimed = seen > 0
    for label, box in labels:
        measured = _measure(seen == _CLASSES.index(label), box)
        assert measured is not None, f"{label}: none of its colour at {_text(box)}"
        worst = max(abs(a - b) for a, b in zip(_edges(box), _edges(measured), strict=True))
        assert worst <= tolerance_px, f"{label}: label says {_text(box)}, the pixels say {_text(measured)}"
        _around(unclaimed, box)[...] = False
    assert not unclaimed.any(), f"{unclaimed.sum()} px of some object's colour carry no label"


def _classify(pixels: Pixels) -> NDArray[np.intp]:
    picture = pixels.astype(np.int16)
    distances = np.stack([np.abs(picture - colour) @ np.ones(3, np.int16) for colour in _PALETTE])
    nearest: NDArray[np.intp] = distances.argmin(axis=0)
    return nearest


def _measure(mask: NDArray[np.bool_], box: Box) -> tuple[float, float, float, float] | None:
    """Returns the extent of the colour near a box: rows and columns that it fills by more than half."""
    x, y, w, h = box
    near = _around(mask, box)
    left, top = max(round(x) - _MARGIN, 0), max(round(y) - _MARGIN, 0)
    columns = np.flatnonzero(near.sum(axis=0) > h / 2)
    rows = np.flatnonzero(near.sum(axis=1) > w / 2)
    if not len(columns) or not len(rows):
        return None
    return (
        float(left + columns[0]),
        float(top + rows[0]),
        float(columns[-1] - columns[0] + 1),
        float(rows[-1] - rows[0] + 1),
    )


def _around(mask: NDArray[np.bool_], box: Box) -> NDArray[np.bool_]:
    x, y, w, h = box
    rows = slice(max(round(y) - _MARGIN, 0), round(y + h) + _MARGIN)
    return mask[rows, max(round(x) - _MARGIN, 0) : round(x + w) + _MARGIN]


def _edges(box: Box) -> tuple[float, float, float, float]:
    x, y, w, h = box
    return x, y, x + w, y + h


def _text(box: Box) -> str:
    return "x {:.1f}, y {:.1f}, {:.1f} by {:.1f}".format(*box)
