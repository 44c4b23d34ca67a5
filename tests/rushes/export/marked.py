"""Clips that tell in their pixels which frame is shown, by a binary counter, and where its object is, by a marker.

Where both must be in an exported picture is reckoned here from how the clip was stored (its size, the shape of its
pixels, its turn), and never from what rushes says of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rushes.export.samples import samples
from rushes.labels import Annotation
from rushes.media import make_media
from rushes.records import Media, Sample, Source, Verified
from rushes.workspace import Workspace
from tests.rushes.export.makers import pipeline, pixels_of
from tests.rushes.video.clips import ffmpeg

Box = tuple[float, float, float, float]

FPS = 10
FRAMES = 20
TOLERANCE = 1.0
"""Pixels of the exported picture by which an edge of a label may miss the marker's."""
_BACKGROUND, _OFF, _ON, _MARKER = 60, 16, 120, 235
_BITS = 5
_CELL = 20


class Stored(NamedTuple):
    """How a clip's pictures are stored.

    Attributes:
        width: In pixels of the file.
        height: Likewise.
        sar: Width of a pixel, of which the height is 1.
        clockwise: By how many degrees a player turns the picture.
    """

    width: int = 160
    height: int = 112
    sar: float = 1.0
    clockwise: int = 0

    @property
    def upright(self) -> tuple[float, float]:
        """Width and height as a player shows them."""
        sides = (self.width * self.sar, float(self.height))
        return sides if self.clockwise in (0, 180) else sides[::-1]

    def place(self, box: Box) -> Box:
        """Returns where a player shows what is stored there."""
        x, y, width, height = box[0] * self.sar, box[1], box[2] * self.sar, box[3]
        right, below = self.width * self.sar - x - width, self.height - y - height
        return {
            0: (x, y, width, height),
            90: (below, x, height, width),
            180: (right, below, width, height),
            270: (y, right, height, width),
        }[self.clockwise]


PLAIN = Stored()


def marker(number: int) -> Box:
    """Returns where the marker of a frame is stored."""
    return (8 + 5 * number, 40 + 2 * number, 40, 28)


def label(number: int, stored: Stored = PLAIN, frame: int | None = None, time_s: float | None = None) -> Annotation:
    """Returns the label of the marker of the frame with this number."""
    when = number if frame is None and time_s is None else frame
    return Annotation("marker", box=stored.place(marker(number)), frame=when, time_s=time_s)


def marked(path: Path, *options: str | Path, stored: Stored = PLAIN, frames: int = FRAMES) -> Path:
    """Makes a clip of ten frames a second; H.264 with B-frames unless options say otherwise."""
    feed = b"".join(_picture(number, stored).tobytes() for number in range(frames))
    raw = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{stored.width}x{stored.height}", "-r", str(FPS), "-i", "-"]
    ffmpeg(*raw, *(options or H264), path, feed=feed)
    return path


H264 = ("-c:v", "libx264", "-preset", "fast", "-bf", "3", "-crf", "8", "-pix_fmt", "yuv420p")


def exported(
    path: Path, workspace: Workspace, labels: Iterable[Annotation], *, frames: object = "annotated", **transcode: object
) -> tuple[Media, list[Sample], dict[str, int]]:
    """Takes a clip through transcode and export; returns its media, its samples and how many labels are in none."""
    settings = pipeline(workspace, frames=frames, transcode={"preset": "ultrafast", "crf": 8, **transcode})
    content = path.read_bytes()
    source = Source("v", "http://host/v", annotations=tuple(labels))
    assert settings.transcode is not None
    verified = Verified(source, str(path), hashlib.sha256(content).hexdigest(), len(content))
    media = make_media(verified, workspace, settings.transcode.config())
    found, dropped = samples(media, settings, workspace)
    return media, found, dict(dropped)


def check(found: Sequence[Sample], workspace: Workspace, numbers: Sequence[int], stored: Stored = PLAIN) -> None:
    """Asserts that these samples show the frames with these numbers, and that each label lies around its marker."""
    assert [_number(workspace.path(sample.path), stored) for sample in found] == list(numbers)
    for sample, number in zip(found, numbers, strict=True):
        pixels = pixels_of(workspace.path(sample.path))
        assert pixels.shape == (sample.info.height, sample.info.width)
        shown = _edges(pixels)
        for annotation in sample.annotations:
            assert annotation.box is not None
            x, y, width, height = annotation.box
            assert np.abs(np.subtract((x, y, x + width, y + height), shown)).max() <= TOLERANCE, (number, shown)


def _picture(number: int, stored: Stored) -> NDArray[np.uint8]:
    pixels = np.full((stored.height, stored.width), _BACKGROUND, np.uint8)
    for bit in range(_BITS):
        x, y, width, height = (int(value) for value in _cell(bit))
        pixels[y : y + height, x : x + width] = _ON if number >> bit & 1 else _OFF
    x, y, width, height = (int(value) for value in marker(number))
    pixels[y : y + height, x : x + width] = _MARKER
    return pixels


def _cell(bit: int) -> Box:
    return (8 + _CELL * bit, 8, _CELL, _CELL)


def _number(path: Path, stored: Stored) -> int:
    """Returns what the counter says, read where it must be."""
    pixels = pixels_of(path)
    across, down = pixels.shape[1] / stored.upright[0], pixels.shape[0] / stored.upright[1]
    number = 0
    for bit in range(_BITS):
        x, y, width, height = stored.place(_cell(bit))
        rows = slice(round((y + height / 4) * down), round((y + height * 3 / 4) * down))
        columns = slice(round((x + width / 4) * across), round((x + width * 3 / 4) * across))
        number |= int(pixels[rows, columns].mean() > (_ON + _OFF) / 2) << bit
    return number


def _edges(pixels: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """Returns left, top, right and bottom of what is nearer to the marker than to its background."""
    bright = pixels > (_MARKER + _BACKGROUND) / 2
    columns, rows = np.flatnonzero(bright.any(axis=0)), np.flatnonzero(bright.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
