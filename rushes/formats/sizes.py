"""Sizes of pictures, from their headers."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from rushes.errors import AnnotationError

__all__ = ["DAMAGE", "is_as_stated", "upright_size"]

_ORIENTATION = 0x0112
_WIDTH, _HEIGHT = 0x0100, 0x0101
_HEAD_BYTES = 2048
_EXIF = 0xE1
_PNG = b"\x89PNG\r\n\x1a\n"
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
    from PIL.TiffImagePlugin import TiffImageFile

    try:
        with Image.open(path) as opened:
            width, height = opened.size
            if isinstance(opened, TiffImageFile):  # of which Pillow says the upright size already, or does not yet
                width, height = int(opened.tag_v2[_WIDTH]), int(opened.tag_v2[_HEIGHT])
            turned = opened.getexif().get(_ORIENTATION) in (5, 6, 7, 8)
    except FileNotFoundError:
        raise AnnotationError(
            f"{where}: {path.name} is not there, and only the picture says how large it is."
        ) from None
    except (*DAMAGE, Image.DecompressionBombError) as error:
        raise AnnotationError(f"{where}: {path.name} cannot be read as a picture: {error}.") from None
    return (height, width) if turned else (width, height)


def is_as_stated(path: Path | str, width: int, height: int) -> bool:
    """Says whether a picture is as large, upright, as somebody states; of one that cannot be read, that it is.

    Of most pictures this reads the first two kilobytes.
    """
    head = _head(path)
    plain = _size_in_png(head) if head[:8] == _PNG else _size_in_jpeg(head)
    if plain is not None:
        return plain == (width, height)
    try:
        return upright_size(path, "") == (width, height)
    except AnnotationError:
        return True


def _plain_jpeg(path: Path | str) -> tuple[int, int] | None:
    return _size_in_jpeg(_head(path))


def _head(path: Path | str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # for each picture, so without Python's file objects
        try:
            return os.read(handle, _HEAD_BYTES)
        finally:
            os.close(handle)
    except OSError:
        return b""


def _size_in_png(head: bytes) -> tuple[int, int] | None:
    """Returns the size of a PNG whose pixels begin without an orientation before them; None of all else.

    Format: PNG (third edition), 5.3 and 11.2.1: chunks of a length, a type, data and a check, IHDR first.
    """
    at = len(_PNG)
    while at + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, at)
        if kind == b"IDAT":
            width, height = struct.unpack_from(">II", head, len(_PNG) + 8)
            return (width, height) if width and height else None
        if kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt"):  # texts hold EXIF, too
            return None
        at += 12 + length
    return None


def _size_in_jpeg(head: bytes) -> tuple[int, int] | None:
    """Returns the size of a JPEG that says nothing of an orientation; None of all else, which is Pillow's to read.

    Format: ITU-T T.81, annex B: segments of a marker and a length, of which the frame header tells the size.
    """
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
