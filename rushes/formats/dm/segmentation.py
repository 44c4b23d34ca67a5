"""The DM tool `segmentation`: pixels of an image, or a section of a video or a sound.

Pixels are counted row by row. They are `raw_indices`, one number a pixel, or `dm_rle`, pairs of a first pixel and a
length; never by their look, but by what the document says. Neither form says how large the image is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec import Struct

from rushes.formats.dm.tools import Json
from rushes.formats.dm.values import Number, Whole, short, typed, wrong

__all__ = ["Size", "mask_to_v1", "mask_to_v2", "ordered"]

RAW, RLE = "raw_indices", "dm_rle"


class Size(NamedTuple):
    """Of an image, in pixels."""

    width: int
    height: int


class _Flags(Struct):
    isCompressed: bool = False  # noqa: N815 - the format's own names
    compressionFormat: str | None = None  # noqa: N815


class _Encoded(_Flags):
    encoding: str | None = None


class _Frames(Struct):
    startFrame: Whole  # noqa: N815
    endFrame: Whole  # noqa: N815


class _Seconds(Struct):
    start: Number
    end: Number


def mask_to_v2(item: Json, size: Size | None, where: str) -> Json:
    """Returns `data`, and for pixels the three keys that say how they are written, of a V2 annotation.

    Raises:
        AnnotationError: The item is no segmentation, its flags contradict each other, or its pixels are not in the
            image, or overlap.
    """
    if item.get("pixel_indices") is not None:
        flags = typed(item, _Flags, where)
        encoding = RLE if flags.isCompressed else RAW
        _check_flags(encoding, flags, where)
        found = {"encoding": encoding, "isCompressed": flags.isCompressed, "compressionFormat": flags.compressionFormat}
        return {"data": ordered(item["pixel_indices"], encoding, size, f"{where}.pixel_indices"), **found}
    if item.get("section") is None:
        raise wrong(where, "neither pixel_indices nor a section; expected one of them")
    return {"data": _section(item["section"], f"{where}.section")}


def mask_to_v1(annotation: Json, size: Size | None, where: str) -> Json:
    """Returns the item of annotationsData, without its id, of a V2 annotation.

    Raises:
        AnnotationError: As in `mask_to_v2`.
    """
    data = annotation["data"]
    if not isinstance(data, list):
        return {"section": _section(data, f"{where}.data")}
    found = typed(annotation, _Encoded, where)
    encoding = found.encoding or (RLE if found.isCompressed else RAW)
    if encoding not in (RAW, RLE):
        raise wrong(f"{where}.encoding", f"{short(encoding)}: expected {RAW} or {RLE}")
    flags = _Flags(encoding == RLE, "rle" if encoding == RLE else None) if _is_bare(annotation) else found
    _check_flags(encoding, flags, where)
    pixels = ordered(data, encoding, size, f"{where}.data")
    return {
        "pixel_indices": pixels,
        "isCompressed": flags.isCompressed,
        "compressionFormat": flags.compressionFormat,
    }


def ordered(pixels: object, encoding: str, size: Size | None, where: str) -> list[Any]:
    """Returns pixels in their order.

    Args:
        pixels: As the document has them.
        encoding: How they are written.
        size: Of the image; None leaves open whether they are in it.
        where: For messages.

    Raises:
        AnnotationError: They are no pixels, not in the image, or overlap.
    """
    if encoding == RAW:
        found: list[Any] = sorted(typed(pixels, list[Whole], where))
        last = found[-1] + 1 if found else 0
        overlap = len(set(found)) < len(found)
    else:
        found = sorted(list(run) for run in typed(pixels, list[tuple[Whole, Whole]], where))
        ends = [start + length for start, length in found]
        last = max(ends, default=0)
        overlap = any(end > start for end, (start, _) in zip(ends, found[1:], strict=False))
        if any(length == 0 for _, length in found):
            raise wrong(where, "a run of no pixels; expected lengths from 1")
    if overlap:
        raise wrong(where, "the same pixel twice; expected each pixel once")
    if size is not None and last > size.width * size.height:
        raise wrong(where, f"pixel {last - 1}: expected pixels of an image of {size.width}x{size.height}")
    return found


def _is_bare(annotation: Json) -> bool:
    return "isCompressed" not in annotation and "compressionFormat" not in annotation


def _check_flags(encoding: str, flags: _Flags, where: str) -> None:
    expected = (True, "rle") if encoding == RLE else (False, None)
    if (flags.isCompressed, flags.compressionFormat) != expected:
        compressed, form = (str(flags.isCompressed).lower(), flags.compressionFormat)
        raise wrong(
            where, f"{encoding} with isCompressed {compressed} and compressionFormat {short(form)}: they contradict"
        )


def _section(section: object, where: str) -> Json:
    if isinstance(section, dict) and ("start" in section or "end" in section):
        typed(section, _Seconds, where)
        return {"start": section["start"], "end": section["end"]}
    found = typed(section, _Frames, where)
    return {"startFrame": found.startFrame, "endFrame": found.endFrame}
