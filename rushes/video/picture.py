"""The filters between a decoder and an encoder: what every frame goes through, whatever it is for."""

from __future__ import annotations

from rushes.video.colour import can_tone_map, tone_map
from rushes.video.probe import Probed

__all__ = ["picture_filters"]


def picture_filters(probed: Probed, size: tuple[int, int], scaling: str = "", *, keep_hdr: bool = False) -> list[str]:
    """Returns the filters that make progressive, square-pixelled frames of a size; ffmpeg itself turns them upright."""
    toned = probed.colours.hdr and not keep_hdr and can_tone_map()
    return [
        # send_frame, because the default makes a frame of each field.
        *(["bwdif=mode=send_frame:deint=interlaced"] if probed.interlaced else []),
        *(tone_map(probed.colours) if toned else []),
        f"scale={size[0]}:{size[1]}{scaling}",
        "setsar=1",
    ]
