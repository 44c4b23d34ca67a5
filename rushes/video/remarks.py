"""What is worth saying of what was made of a video, beside why it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rushes.records import MediaInfo
from rushes.video.colour import can_tone_map
from rushes.video.config import TranscodeConfig
from rushes.video.probe import Probed

__all__ = ["brightness", "dropped", "losses"]


def brightness(probed: Probed, config: TranscodeConfig) -> str | None:
    """Returns what becomes of a video's high dynamic range where it is encoded by the ffmpeg at hand, if it has any."""
    if not probed.colours.hdr:
        return None
    if config.hdr == "keep":
        return "HDR kept"
    return "HDR toned down" if can_tone_map() else "HDR kept: this ffmpeg cannot tone it down"


def losses(probed: Probed, info: MediaInfo, config: TranscodeConfig) -> Iterator[str]:
    """Yields what of a source is not in what was made of it, although it was asked for.

    Args:
        probed: The source.
        info: What was made of it.
        config: What was asked for.
    """
    if probed.info.audio_codec and not probed.audio_decodable:
        yield f"sound dropped: {probed.info.audio_codec} cannot be decoded"
    whole = config.fps is None and not config.start_time and config.duration is None
    if whole and None not in (found := (info.frames, probed.info.frames)) and found[0] != found[1]:
        yield f"{found[0]} of {found[1]} frames decode"
    listed, there = probed.listed_frames, probed.info.frames
    if listed is not None and there is not None and there < listed:
        yield f"{there} of the {listed} frames that the container lists are shown"


def dropped(probed: Probed) -> dict[str, int]:
    """Returns how many streams of each kind are left out of what is made: one picture and one sound stay."""
    unheard = probed.info.audio_codec is not None and not probed.audio_decodable
    kinds = Counter(probed.others) + Counter({"audio": int(unheard)})
    return dict(sorted(kinds.items()))
