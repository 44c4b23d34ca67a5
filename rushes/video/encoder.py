"""Which video encoder does the work: the one that is asked for, or the software that makes the same codec."""

from __future__ import annotations

from typing import Any

from rushes.video.config import TranscodeConfig
from rushes.video.hardware import HARDWARE, Hardware, trouble

__all__ = ["card", "codec_of", "encoder_options", "replacement", "tag"]

_CODECS = {"libx264": "h264", "libx265": "hevc"} | {name: hardware.codec for name, hardware in HARDWARE.items()}
# x265 writes what processor it ran on into the stream, and how it is getting on to standard error, past ffmpeg's log
# level. Its pool takes all cores by itself; with one thread it makes the same bytes (with none it would not).
_X265 = "info=0:log-level=error:pools=1"


def codec_of(encoder: str) -> str | None:
    """Returns the codec that an encoder makes, or None for one that rushes does not know."""
    return _CODECS.get(encoder)


def card(config: TranscodeConfig, hdr: bool) -> Hardware | None:
    """Returns the encoder in a graphics card that does the work, or None where software does."""
    hardware = HARDWARE.get(config.vcodec)
    return None if hardware is None or trouble(hardware, config.pixel_format(hdr)) else hardware


def replacement(config: TranscodeConfig, hdr: bool) -> str | None:
    """Returns why something else does the work than what is asked for, and what; None where nothing else does."""
    hardware = HARDWARE.get(config.vcodec)
    why = hardware and trouble(hardware, config.pixel_format(hdr))
    return f"{hardware.software} instead of {hardware.name}: {why}" if hardware and why else None


def encoder_options(config: TranscodeConfig, hdr: bool, suffix: str) -> dict[str, Any]:
    """Returns the options that name and set the encoder, for a file with such a suffix."""
    pixel_format, hardware = config.pixel_format(hdr), card(config, hdr)
    if hardware:
        return hardware.options(config.preset, config.crf, pixel_format) | tag(hardware.codec, suffix)
    vcodec = HARDWARE[config.vcodec].software if config.vcodec in HARDWARE else config.vcodec
    return {
        "c:v": vcodec,
        "preset": config.preset,
        "crf": config.crf,
        "pix_fmt": pixel_format,
        **({"x265-params": _X265} if vcodec == "libx265" else {}),
        **tag(codec_of(vcodec), suffix),
    }


def tag(codec: str | None, suffix: str) -> dict[str, str]:
    """Returns the option by which Apple's players know HEVC in an mp4; ffmpeg's own choice is another."""
    return {"tag:v": "hvc1"} if codec == "hevc" and suffix.lower() in (".mp4", ".mov", ".m4v") else {}
