"""Sizes of pictures, from their headers."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image

from rushes.errors import AnnotationError

__all__ = ["DAMAGE", "upright_size"]

_ORIENTATION = 0x0112
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    ArithmeticError,
    EOFError,
    MemoryError,
    struct.error,
)
"""What Pillow raises on damaged content depends on the format and on the damage."""


def upright_size(path: Path, where: str) -> tuple[int, int]:
    """Returns width and height of a picture as it is shown upright, by its EXIF orientation; no pixel is decoded.

    Args:
        path: The picture.
        where: What messages call it.

    Raises:
        AnnotationError: It is missing, or no picture.
    """
    try:
        with Image.open(path) as opened:
            width, height = opened.size
            turned = opened.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    except FileNotFoundError:
        raise AnnotationError(
            f"{where}: {path.name} is not there, and only the picture says how large it is."
        ) from None
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise AnnotationError(f"{where}: {path.name} cannot be read as a picture: {error}.") from None
    return (height, width) if turned else (width, height)
