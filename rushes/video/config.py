"""What a transcode should make: `TranscodeConfig`, and the profiles that name common ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["PROFILES", "QualityCheck", "Still", "TranscodeConfig", "fit", "parse_resolution"]


_TEN_BITS = "10le"


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
        pix_fmt: Bits and colour resolution of the picture, in ffmpeg's names: `yuv420p`, `yuv422p`, `yuv444p`, and the
            same with ten bits, like `yuv420p10le`.
        hdr: What becomes of high dynamic range: `tonemap`, the brightness of ordinary video; `keep`, ten bits of HEVC
            that say PQ or HLG as the source does; `auto`, tone-mapped where the ffmpeg at hand can do that.
        resolution: Box `WIDTHxHEIGHT` in pixels that the upright picture must fit into; it keeps its shape. None keeps
            the size.
        upscale: Whether a picture that is smaller than `resolution` is enlarged.
        fps: Constant frame rate of the output; None keeps every frame and its time.
        start_time: Where to begin, in seconds of the source.
        duration: How much to take, in seconds.
        check: What must decode of a stream before it is copied, or used as it came: `decode`, all of it; `keyframes`,
            those that stand alone, which finds less and takes a tenth of the time.
        split_s: A longer video is encoded in chunks of about so many seconds, which can be done side by side; 0 encodes
            each in one pass.
        max_duration_s: A video of which more than this is to be transcoded is refused.
        max_time_s: How long ffmpeg may take over one video, in seconds.
    """

    vcodec: str = "libx264"
    preset: str = "medium"
    crf: int = 28
    acodec: str = "aac"
    audio_bitrate: str = "128k"
    movflags: str = "+faststart"
    pix_fmt: str = "yuv420p"
    hdr: str = "auto"
    resolution: str | None = None
    upscale: bool = False
    fps: float | None = None
    start_time: float | None = None
    duration: float | None = None
    check: str = "decode"
    split_s: float = 300.0
    max_duration_s: float = 24 * 3600.0
    max_time_s: float = 24 * 3600.0

    def recipe(self) -> dict[str, Any]:
        """Returns the fields on which the bytes of an output depend."""
        return {key: value for key, value in asdict(self).items() if key not in ("max_duration_s", "max_time_s")}

    def output_size(self, width: int, height: int) -> tuple[int, int]:
        """Returns width and height in pixels of what becomes of an upright picture."""
        box = parse_resolution(self.resolution) if self.resolution else None
        return fit(width, height, box, enlarge=self.upscale)

    def pixel_format(self, hdr: bool) -> str:
        """Returns what `pix_fmt` comes to: eight bits are too few for the steps of high dynamic range."""
        deep = self.pix_fmt.endswith(_TEN_BITS)
        return self.pix_fmt if deep or not hdr or self.hdr != "keep" else self.pix_fmt + _TEN_BITS

    def conflict(self) -> tuple[str, str] | None:
        """Returns a field that contradicts another, and what is expected; None where all go together."""
        if self.hdr == "keep" and not self.vcodec.startswith(("libx265", "hevc")):
            return "hdr", f"players take high dynamic range as HEVC only; expected vcodec libx265, not {self.vcodec}"
        if self.upscale and self.resolution is None:
            return "upscale", "enlarges pictures to a resolution; expected one beside it, like resolution 1280x720"
        return None


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """Which transcodes are compared with their sources, and how; changes nothing of what is made.

    Attributes:
        sample: Share of them, above 0 to 1.
        metric: `vmaf`, 0 to 100; `ssim`, 0 to 1; `auto`, VMAF where the ffmpeg at hand has it.
    """

    sample: float = 0.02
    metric: Literal["auto", "vmaf", "ssim"] = "auto"


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


def fit(width: int, height: int, box: tuple[int, int] | None, *, enlarge: bool = False) -> tuple[int, int]:
    """Returns the largest even size of the same shape that is no larger than the box, and than the picture too.

    4:2:0 needs even sides, so a side of one pixel becomes two.

    Args:
        width: Of the picture.
        height: Likewise.
        box: Width and height; without one the size stays.
        enlarge: Whether the picture may grow.
    """
    scale = min(Fraction(box[0], width), Fraction(box[1], height)) if box else Fraction(1)
    scale = scale if enlarge else min(Fraction(1), scale)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)
