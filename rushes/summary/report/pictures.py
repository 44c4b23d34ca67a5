"""Small pictures of a dataset's files with their labels drawn on them, to stand in a page."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from rushes.errors import RushesError
from rushes.formats.placing import scale
from rushes.images import preview
from rushes.labels import Annotation
from rushes.records import ManifestRow
from rushes.summary.report.drawing import draw
from rushes.video.frames import extract_frames, frame_times
from rushes.video.sheet import thumbnail

__all__ = ["COLOURS", "Shown", "shown"]

COLOURS = ("#e69f00", "#56b4e9", "#2fbf8f", "#f0e442", "#4f8fff", "#ff7f3f", "#e58fc4", "#ffffff")
"""Told apart by people who see colours in another way, too; a class has the one of its place in the order."""

_LONGEST = 320  # pixels: shown at half of that, or a little more
_QUALITY = 74
_LONG_S = 900.0
"""Of a longer video no frame is looked for: all of it would be read to find one."""


class Shown(NamedTuple):
    """A picture in the page.

    Attributes:
        row: The file's row.
        data: The picture, as a JPEG in base64.
        width: Of the picture, in pixels.
        height: Likewise.
        labels: Labels that it bears, by class, and the colour that each is drawn in.
        linked: Whether the file stands beside the page, and not in a shard.
    """

    row: ManifestRow
    data: str
    width: int
    height: int
    labels: Mapping[str, tuple[int, str]]
    linked: bool = True


def shown(row: ManifestRow, path: Path, colours: Mapping[str, str], name: str | None = None) -> Shown | None:
    """Returns a picture of a file, or None of one that cannot be looked at.

    Args:
        row: The file's row.
        path: The file.
        colours: Colour of each class, like `#e69f00`.
        name: The class that is shown; the others' labels are drawn more faintly.
    """
    try:
        picture, labels = _video(row, path, name) if (row.media_type or "").startswith("video/") else _image(row, path)
    except (RushesError, FileNotFoundError):
        return None
    if row.width and row.height:
        sx, sy = picture.width / row.width, picture.height / row.height
        labels = [scale(label, sx, sy) for label in labels]
    drawn = draw(picture, labels, colours, name)
    counts = Counter(label.label for label in labels)
    told = {found: (count, colours.get(found, COLOURS[-1])) for found, count in sorted(counts.items())}
    return Shown(row, _jpeg(drawn), drawn.width, drawn.height, told)


def _image(row: ManifestRow, path: Path) -> tuple[Image.Image, Sequence[Annotation]]:
    return preview(path, _LONGEST), row.annotations or ()


def _video(row: ManifestRow, path: Path, name: str | None) -> tuple[Image.Image, Sequence[Annotation]]:
    """Returns the frame that bears the first label, of the class that is shown if it may be, else an early one."""
    labels = row.annotations or ()
    timed = [label for label in labels if label.frame is not None or label.time_s is not None]
    first = next((label for label in timed if name in (None, label.label)), next(iter(timed), None))
    whole = [label for label in labels if label.frame is None and label.time_s is None]
    with TemporaryDirectory(prefix="rushes-") as folder:
        if first is None or (row.duration_s or 0.0) > _LONG_S:
            return preview(thumbnail(path, Path(folder) / "frame.jpg", size="640x640").path, _LONGEST), whole
        frame = _frame(path, first)
        made = extract_frames(path, [frame], Path(folder))
        beside = [label for label in timed if (label.frame, label.time_s) == (first.frame, first.time_s)]
        return preview(made[frame] if frame in made else Path(folder) / "missing", _LONGEST), whole + beside


def _frame(path: Path, label: Annotation) -> int:
    if label.frame is not None:
        return label.frame
    times, at_s = frame_times(path), (label.time_s or 0.0) + 1e-6
    return max((index for index, time_s in enumerate(times) if time_s <= at_s), default=0)


def _jpeg(picture: Image.Image) -> str:
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(written.getvalue()).decode()
