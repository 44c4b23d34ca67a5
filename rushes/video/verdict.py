"""What a video needs to be what a transcode asks for: nothing, another container, other sound, or all of it.

Encoding costs a hundred times what copying costs, and quality. So a stream is copied wherever it already is what an
encoder would have been asked for; each obstacle is named, because people ask why a file took so long.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from rushes.video.config import TranscodeConfig
from rushes.video.encoder import codec_of
from rushes.video.mp4 import index_in_front
from rushes.video.probe import Probed

__all__ = ["Verdict", "judge"]

Action = Literal["kept", "remuxed", "partly", "transcoded"]

_AUDIO = {"aac": "aac", "libopus": "opus"}
_EIGHT_BITS = {"h264": {"Constrained Baseline", "Baseline", "Main", "High"}, "hevc": {"Main"}}
_TEN_BITS = {"h264": {"High 10"}, "hevc": {"Main 10"}}
# Of 4:2:2 and 4:4:4, with eight bits or ten.
_COLOURFUL = {"h264": {"High 4:2:2", "High 4:4:4 Predictive"}, "hevc": {"Rext"}}
_PROFILES = {"yuv420p": _EIGHT_BITS, "yuv420p10le": _TEN_BITS}
_HIGHEST_LEVEL = {"h264": 52, "hevc": 156}  # 5.2 in both: what browsers and phones play
_SLACK = 1.25  # encoders overshoot the rate that they are asked for


class Verdict(NamedTuple):
    """What is to be done with a video.

    Attributes:
        action: kept as it is; remuxed, both streams copied; partly, the picture copied and the sound encoded;
            transcoded.
        reason: Why no less than that.
    """

    action: Action
    reason: str


def judge(path: Path, probed: Probed, config: TranscodeConfig) -> Verdict:
    """Says what a video needs.

    Args:
        path: The file, which goes into an mp4.
        probed: Its probe.
        config: What it is to be.
    """
    if obstacle := next(_in_picture(probed, config), None):
        return Verdict("transcoded", obstacle)
    if obstacle := next(_in_sound(probed, config), None):
        return Verdict("partly", obstacle)
    if obstacle := next(_in_container(path, probed, config), None):
        return Verdict("remuxed", obstacle)
    return Verdict("kept", "conforms already")


def _in_picture(probed: Probed, config: TranscodeConfig) -> Iterator[str]:
    """Yields what keeps the picture from being copied."""
    info, wanted = probed.info, codec_of(config.vcodec)
    pixel_format = config.pixel_format(probed.colours.hdr)
    if config.fps is not None or config.start_time or config.duration is not None:
        yield "cut, or given a frame rate"
    if info.video_codec != wanted:
        yield f"{info.video_codec} video, not {wanted}"
    if probed.profile not in _PROFILES.get(pixel_format, _COLOURFUL).get(info.video_codec or "", ()):
        yield f"profile {probed.profile or 'unknown'}"
    if not 0 < probed.level <= _HIGHEST_LEVEL.get(info.video_codec or "", 0):
        yield f"level {probed.level}"
    if probed.pixel_format != pixel_format:
        yield f"pixel format {probed.pixel_format or 'unknown'}, not {pixel_format}"
    yield from _in_geometry(probed, config)


def _in_geometry(probed: Probed, config: TranscodeConfig) -> Iterator[str]:
    info = probed.info
    if probed.colours.hdr and config.hdr != "keep":
        yield "high dynamic range"
    if probed.interlaced:
        yield "interlaced"
    if info.rotation:
        yield f"turned by {info.rotation} degrees"
    if not probed.square:
        yield "pixels that are not square"
    if (info.width, info.height) != config.output_size(info.width, info.height):
        yield f"{info.width}x{info.height}: not the size that is asked for"


def _in_sound(probed: Probed, config: TranscodeConfig) -> Iterator[str]:
    """Yields what keeps the sound from being copied."""
    codec, wanted = probed.info.audio_codec, _AUDIO.get(config.acodec)
    if codec is None:
        return
    if not probed.audio_decodable:
        yield f"{codec} sound that cannot be decoded"
    if codec != wanted:
        yield f"{codec} sound, not {wanted}"
    if probed.audio_channels > 2:
        yield f"{probed.audio_channels} channels of sound"
    limit = int(config.audio_bitrate.removesuffix("k")) * 1000
    if probed.audio_bits_per_s > limit * _SLACK:
        yield f"sound at {probed.audio_bits_per_s / 1000:.0f} kb/s"


def _in_container(path: Path, probed: Probed, config: TranscodeConfig) -> Iterator[str]:
    """Yields what keeps the file from being used as it is."""
    if probed.info.media_type != "video/mp4":
        yield f"{probed.info.media_type} container, not video/mp4"
    if probed.others:
        yield f"other streams: {', '.join(probed.others)}"
    if "faststart" in config.movflags and not index_in_front(path):
        yield "index behind the media"
