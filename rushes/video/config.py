"""What a transcode should make: `TranscodeConfig`, and the profiles that name common ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["PROFILES", "Still", "TranscodeConfig", "fit", "parse_resolution"]


@dataclass(frozen=True, slots=True)
class TranscodeConfig:
    """Settings of one transcode, in ffmpeg's own terms.

    Attributes:
        vcodec: Video encoder.
        preset: Its speed against size, `ultrafast` to `veryslow`.
        crf: Constant rate factor, 0 (lossless) to 51; 18 looks like the source, 28 is small.
        acodec: Audio encoder, used only where there is sound.
        audio_bitrate: Like `128k`.
        movflags: Of the mp4 muxer; `+faststart` lets a player begin before the file is whole.
        resolution: Box `WIDTHxHEIGHT` in pixels that the upright picture must fit into; it keeps its shape and is
            never enlarged. None keeps the size.
        fps: Constant frame rate of the output; None keeps every frame and its time.
        start_time: Where to begin, in seconds of the source.
        duration: How much to take, in seconds.
        check: What must decode of a stream before it is copied, or used as it came: `decode`, all of it; `keyframes`,
            those that stand alone, which finds less and takes a tenth of the time.
        max_duration_s: A video of which more than this is to be transcoded is refused.
        max_time_s: How long ffmpeg may take over one video, in seconds.
    """

    vcodec: str = "libx264"
    preset: str = "medium"
    crf: int = 28
    acodec: str = "aac"
    audio_bitrate: str = "128k"
    movflags: str = "+faststart"
    resolution: str | None = None
    fps: float | None = None
    start_time: float | None = None
    duration: float | None = None
    check: str = "decode"
    max_duration_s: float = 24 * 3600.0
    max_time_s: float = 24 * 3600.0

    def recipe(self) -> dict[str, Any]:
        """Returns the fields on which the bytes of an output depend."""
        return {key: value for key, value in asdict(self).items() if key not in ("max_duration_s", "max_time_s")}

    def output_size(self, width: int, height: int) -> tuple[int, int]:
        """Returns width and height in pixels of what becomes of an upright picture."""
        return fit(width, height, parse_resolution(self.resolution) if self.resolution else None)


@dataclass(frozen=True, slots=True)
class Still:
    """How a frame of a video is written as a picture.

    Attributes:
        format: `jpeg` or `png`.
        quality: ffmpeg's `-q:v` for JPEG, 2 (best) to 31; a PNG loses nothing.
    """

    format: Literal["jpeg", "png"] = "jpeg"
    quality: int = 2

    @property
    def suffix(self) -> str:
        """Of its files' names."""
        return ".png" if self.format == "png" else ".jpg"

    @property
    def media_type(self) -> str:
        """Of its files."""
        return f"image/{self.format}"


PROFILES: Mapping[str, TranscodeConfig] = MappingProxyType(
    {
        "web": TranscodeConfig(preset="fast", crf=23),
        "archive": TranscodeConfig(preset="slow", crf=18, audio_bitrate="192k"),
        "mobile": TranscodeConfig(preset="fast", crf=28, audio_bitrate="96k", resolution="1280x720"),
    }
)


def parse_resolution(text: str) -> tuple[int, int]:
    """Returns width and height of a `WIDTHxHEIGHT` text.

    Raises:
        ValueError: It is not two whole numbers from 2 to 16384.
    """
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text)
    if match is None or not all(2 <= int(side) <= 16384 for side in match.groups()):
        raise ValueError(f"expected WIDTHxHEIGHT in pixels, like 1280x720, not {text!r}")
    return int(match[1]), int(match[2])


def fit(width: int, height: int, box: tuple[int, int] | None) -> tuple[int, int]:
    """Returns the largest even size of the same shape that is no larger than the picture and the box.

    4:2:0 needs even sides, so a side of one pixel becomes two.
    """
    scale = min(Fraction(1), Fraction(box[0], width), Fraction(box[1], height)) if box else Fraction(1)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)
