"""What a config asks of a source: whether it can be had at all, and what it may cost."""

from __future__ import annotations

import math
from pathlib import Path

from rushes.errors import ConfigError, UnsupportedFormatError
from rushes.video.colour import can_tone_map
from rushes.video.config import TranscodeConfig
from rushes.video.encoder import card
from rushes.video.limits import Limits, check_size, encoding
from rushes.video.probe import Probed

__all__ = ["allowed", "check_demands"]


def check_demands(source: Path, config: TranscodeConfig, probed: Probed) -> None:
    """Refuses settings that contradict each other, or that neither this source nor the ffmpeg at hand can fulfil.

    Raises:
        ConfigError: They contradict each other.
        UnsupportedFormatError: High dynamic range is to be toned down, and this ffmpeg cannot.
        MediaLimitsError: The picture is to be enlarged beyond what can be read again.
    """
    if conflict := config.conflict():
        field, expected = conflict
        raise ConfigError(f"{field} = {getattr(config, field)}: {expected}.")
    if probed.colours.hdr and config.hdr == "tonemap" and not can_tone_map():
        raise UnsupportedFormatError(
            f"{source.name}: high dynamic range, which the ffmpeg at hand cannot tone down: it has no filter zscale. "
            "Install rushes[ffmpeg], or name a fuller ffmpeg in RUSHES_FFMPEG; or set transcode.hdr to keep."
        )
    check_size(source, *config.output_size(probed.info.width, probed.info.height))


def allowed(source: Path, config: TranscodeConfig, probed: Probed) -> Limits:
    """Returns the limits of the ffmpeg that makes of a source what a config asks for."""
    width, height = probed.info.width, probed.info.height
    limits = encoding(source, width * height, math.prod(config.output_size(width, height)))
    # The drivers of graphics cards map all memory that there is, and more, as address space.
    return limits._replace(memory_bytes=None) if card(config, probed.colours.hdr) else limits
