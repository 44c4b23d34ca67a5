"""The filters between a decoder and an encoder: what every frame goes through, whatever it is for."""

from __future__ import annotations

from rushes.video.colour import can_tone_map, tone_map
from rushes.video.probe import Probed

__all__ = ["picture_filters"]


def picture_filters(probed: Probed, size: tuple[int, int], scaling: str = "") -> list[str]:
    """Returns the filters that make progressive, square-pixelled frames of a size; ffmpeg itself turns them upright."""
    return [
        # send_frame, because the default makes a frame of each field.
        *(["bwdif=mode=send_frame:deint=interlaced"] if probed.interlaced else []),
        *(tone_map(probed.colours) if probed.colours.hdr and can_tone_map() else []),
        f"scale={size[0]}:{size[1]}{scaling}",
        "setsar=1",
    ]
