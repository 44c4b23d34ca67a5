"""What each video encoder is called, what it makes, and how it is told how well and how fast."""

from __future__ import annotations

from typing import Any

from rushes.video.config import TranscodeConfig

__all__ = ["codec_of", "encoder_options", "tag"]

_CODECS = {"libx264": "h264", "libx265": "hevc"}
# x265 writes what processor it ran on into the stream, and how it is getting on to standard error, past ffmpeg's log
# level. Its pool takes all cores by itself; with one thread it makes the same bytes (with none it would not).
_X265 = "info=0:log-level=error:pools=1"


def codec_of(encoder: str) -> str | None:
    """Returns the codec that an encoder makes, or None for one that rushes does not know."""
    return _CODECS.get(encoder)


def encoder_options(config: TranscodeConfig, pixel_format: str, suffix: str) -> dict[str, Any]:
    """Returns the options that name and set the encoder, for a file with such a suffix."""
    return {
        "c:v": config.vcodec,
        "preset": config.preset,
        "crf": config.crf,
        "pix_fmt": pixel_format,
        **({"x265-params": _X265} if config.vcodec == "libx265" else {}),
        **tag(codec_of(config.vcodec), suffix),
    }


def tag(codec: str | None, suffix: str) -> dict[str, str]:
    """Returns the option by which Apple's players know HEVC in an mp4; ffmpeg's own choice is another."""
    return {"tag:v": "hvc1"} if codec == "hevc" and suffix.lower() in (".mp4", ".mov", ".m4v") else {}
