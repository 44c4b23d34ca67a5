"""Some files of a dataset in one small picture, for a place where its report cannot be shown."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image, ImageOps

from rushes.jsonl import atomic_write
from rushes.summary.report.sheets import Sheets

__all__ = ["MOSAIC", "write_mosaic"]

MOSAIC = "pictures.jpg"
"""In the folder of a run that exported anything that can be looked at."""

_CELL = (240, 180)  # pixels
_COLUMNS, _MOST = 4, 12
_GAP = 6
_GROUND = "#1c1c1c"
_QUALITY = 74


def write_mosaic(sheets: Sheets, path: Path) -> None:
    """Writes the pictures that were drawn by lot, twelve at most, with their labels; nothing where there is none."""
    shown = sheets.others[:_MOST]
    if not shown:
        return
    columns = min(_COLUMNS, len(shown))
    width, height = _CELL
    size = (columns * (width + _GAP) + _GAP, -(-len(shown) // columns) * (height + _GAP) + _GAP)
    whole = Image.new("RGB", size, _GROUND)
    for place, one in enumerate(shown):
        with Image.open(io.BytesIO(base64.b64decode(one.data))) as picture:
            fitted = ImageOps.pad(picture, _CELL, color=_GROUND)
        whole.paste(fitted, (_GAP + place % columns * (width + _GAP), _GAP + place // columns * (height + _GAP)))
    with atomic_write(path) as file:
        whole.save(file, "JPEG", quality=_QUALITY, optimize=True)
