"""Pictures that show a video at a glance: a thumbnail, and a contact sheet of frames with their times.

Frames are sought, not decoded up to, so that a film takes no longer than a clip. Where key frames stand too far apart
to fill a sheet, those in between are decoded as well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from rushes.errors import ConfigError, CorruptMediaError
from rushes.jsonl import atomic_write, storing
from rushes.video.config import fit, parse_resolution
from rushes.video.frame_commands import Moment
from rushes.video.limits import MAX_PIXELS
from rushes.video.names import check_other
from rushes.video.probe import Probed, examine
from rushes.video.stills import sought, spread, take, tick_of, time_of
from rushes.video.timeline import tick_at

__all__ = ["Picture", "clock", "contact_sheet", "thumbnail"]

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
_MOST = 40
_EARLY = 0.1  # of the video: late enough for it to have begun
_GAP, _CAPTION, _TEXT = 8, 22, 14  # pixels
_NARROWEST = 80  # pixels: what a time takes
_QUALITY = 90
_BACKGROUND, _INK = (24, 24, 24), (224, 224, 224)


class Picture(NamedTuple):
    """A picture that was made of a video.

    Attributes:
        path: The file.
        width: In pixels.
        height: In pixels.
        times_s: When each frame in it is shown, in seconds from the beginning of the video, row by row.
    """

    path: Path
    width: int
    height: int
    times_s: tuple[float, ...]


def thumbnail(path: str | Path, output: str | Path, at_s: float | None = None, size: str = "640x640") -> Picture:
    """Makes a small picture of a video: upright, with square pixels, in the video's shape.

    Args:
        path: The video.
        output: Where the picture goes; its suffix says whether it is a JPEG, a PNG or a WebP.
        at_s: The frame that is on screen then, in seconds; by default a key frame near the first tenth of the video.
        size: Box `WIDTHxHEIGHT` in pixels that the picture must fit into; it is never enlarged.

    Raises:
        ConfigError: `at_s` is beyond the end, `size` or the suffix is none, or input and output are the same.
        NotMediaError: The file is no video.
        UnsupportedFormatError: The ffmpeg at hand cannot decode it.
        CorruptMediaError: It is damaged, and no frame can be shown.
        MediaLimitsError: It asks for more time or memory than any look may take.
        TranscodingFailedError: ffmpeg got stuck.
        DiskFullError: No space is left for the picture.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
        StorageError: The input cannot be read, or the output cannot be written.
    """
    source, target = Path(path), Path(output)
    _check(source, target)
    probed = examine(source)
    moment = _moment(source, probed, at_s)
    box = _fit(probed, size)
    first = Moment(0.0, tick_of(0.0, probed))
    with TemporaryDirectory(prefix="rushes-") as name:
        folder = Path(name)
        found = take(source, probed, [moment], box, folder)
        if not found or moment.from_tick not in (None, found[0].tick):
            # Not every container can be sought; then all before it is decoded.
            moment = moment._replace(at_s=0.0) if moment.from_tick is not None else first
            found = take(source, probed, [moment], box, folder)
        if not found:
            raise _nothing(source)
        with Image.open(found[0].file) as picture:
            return _save(picture, target, [time_of(found[0].tick, probed)])


def contact_sheet(
    path: str | Path, output: str | Path, columns: int = 4, rows: int = 3, size: str = "320x320"
) -> Picture:
    """Makes a picture of frames from all of a video, evenly spread, each with its time below it.

    A video with fewer frames than that gives a smaller sheet.

    Args:
        path: The video.
        output: Where the picture goes; its suffix says whether it is a JPEG, a PNG or a WebP.
        columns: Frames side by side, 1 to 40.
        rows: Rows of them, 1 to 40.
        size: Box `WIDTHxHEIGHT` in pixels that each frame must fit into; it is never enlarged.

    Raises:
        ConfigError: Of columns and rows, or of both together with `size`, there are too many.
        The errors of `thumbnail`.
    """
    source, target = Path(path), Path(output)
    _check(source, target)
    probed = examine(source)
    box = _fit(probed, size)
    _check_grid(columns, rows, box)
    with TemporaryDirectory(prefix="rushes-") as folder:
        stills = spread(source, probed, columns * rows, box, Path(folder))
        if not stills:
            raise _nothing(source)
        times_s = [time_of(still.tick, probed) for still in stills]
        sheet = _arranged([still.file for still in stills], times_s, columns, box)
    return _save(sheet, target, times_s)


def clock(time_s: float) -> str:
    """Returns a time as people write it, like `1:02:03.450` or `0:04.250`."""
    minutes, milliseconds = divmod(round(time_s * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{milliseconds / 1000:06.3f}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


def _check(source: Path, target: Path) -> None:
    if target.suffix.lower() not in _FORMATS:
        raise ConfigError(f"{target.name}: expected a picture's name, which ends in .jpg, .png or .webp.")
    check_other(source, target)


def _check_grid(columns: int, rows: int, box: tuple[int, int]) -> None:
    for name, number in (("columns", columns), ("rows", rows)):
        if not 1 <= number <= _MOST:
            raise ConfigError(f"{name} = {number}: expected 1 to {_MOST}.")
    width, height = _grid(columns, rows, box)
    if width * height > MAX_PIXELS:
        raise ConfigError(
            f"columns = {columns}, rows = {rows}: a sheet of {width}x{height} pixels; expected {MAX_PIXELS} at most. "
            "Ask for fewer or smaller frames."
        )


def _fit(probed: Probed, size: str) -> tuple[int, int]:
    try:
        return fit(probed.info.width, probed.info.height, parse_resolution(size))
    except ValueError as error:
        raise ConfigError(f"size = {size}: {error}.") from None


def _moment(source: Path, probed: Probed, at_s: float | None) -> Moment:
    length_s = probed.info.duration_s
    if at_s is None:
        return Moment(_EARLY * (length_s or 0.0))
    if at_s < 0 or (length_s is not None and at_s >= length_s):
        lasts = "" if length_s is None else f"; {source.name} lasts {length_s:g} s"
        raise ConfigError(f"at_s = {at_s:g}: expected seconds from the beginning{lasts}.")
    return Moment(sought(at_s, probed), tick_at(source, at_s, probed.start_s))


def _grid(columns: int, rows: int, box: tuple[int, int]) -> tuple[int, int]:
    cell_width, cell_height = max(box[0], _NARROWEST), box[1] + _CAPTION
    return columns * (cell_width + _GAP) + _GAP, rows * (cell_height + _GAP) + _GAP


def _arranged(files: Sequence[Path], times_s: Sequence[float], columns: int, box: tuple[int, int]) -> Image.Image:
    columns = min(columns, len(files))
    sheet = Image.new("RGB", _grid(columns, math.ceil(len(files) / columns), box), _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    cell_width = max(box[0], _NARROWEST)
    for number, (file, time_s) in enumerate(zip(files, times_s, strict=True)):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (cell_width + _GAP), _GAP + row * (box[1] + _CAPTION + _GAP)
        with Image.open(file) as frame:
            sheet.paste(frame, (left + (cell_width - box[0]) // 2, top))
        middle = (left + cell_width // 2, top + box[1] + _CAPTION // 2)
        draw.text(middle, clock(time_s), fill=_INK, font=font, anchor="mm")
    return sheet


def _save(picture: Image.Image, target: Path, times_s: Sequence[float]) -> Picture:
    with storing(target), atomic_write(target) as file:
        picture.save(file, format=_FORMATS[target.suffix.lower()], quality=_QUALITY)
    return Picture(target, *picture.size, tuple(times_s))


def _nothing(source: Path) -> CorruptMediaError:
    return CorruptMediaError(f"{source.name}: damaged, no frame of it can be shown. Fetch it again, or leave it out.")
