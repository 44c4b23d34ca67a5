"""Sizes of pictures, from their headers."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from rushes.errors import AnnotationError

__all__ = ["DAMAGE", "upright_size"]

_ORIENTATION = 0x0112
_HEAD_BYTES = 2048
_EXIF = 0xE1
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
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


def upright_size(path: Path | str, where: str) -> tuple[int, int]:
    """Returns width and height of a picture as it is shown upright, by its EXIF orientation; no pixel is decoded.

    Args:
        path: The picture.
        where: What messages call it.

    Raises:
        AnnotationError: It is missing, or no picture.
    """
    return _plain_jpeg(path) or _by_pillow(Path(path), where)


def _by_pillow(path: Path, where: str) -> tuple[int, int]:
    from PIL import Image  # slow to import

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


def _plain_jpeg(path: Path | str) -> tuple[int, int] | None:
    """Returns the size of a JPEG that says nothing of an orientation; None of all else, which is Pillow's to read.

    Format: ITU-T T.81, annex B: segments of a marker and a length, of which the frame header tells the size.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # for each picture, so without Python's file objects
        try:
            head = os.read(handle, _HEAD_BYTES)
        finally:
            os.close(handle)
    except OSError:
        return None
    if head[:2] != b"\xff\xd8":
        return None
    at = 2
    while head[at : at + 1] == b"\xff" and at + 9 <= len(head):
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", head, at + 5)
            return (width, height) if width and height else None
        if marker == _EXIF or length < 2 or not 0xC0 <= marker < 0xFF:
            return None
        at += 2 + length
    return None
