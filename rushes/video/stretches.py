"""Which frames one ffmpeg cuts, and where it begins to decode: near the first of them, where a video can be sought."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rushes.video.timeline import Timeline

__all__ = ["Stretch", "stretches"]

_AT_ONCE = 1500
"""Frames per ffmpeg: their numbers go into one argument, and Linux takes 128 KiB for one."""
_WORTH_A_START = 300
"""Frames between two that are wanted; to decode more of them takes longer than to start another ffmpeg."""
_KEYS_BACK = 2
"""A picture that is refreshed bit by bit is whole one key frame after that at which decoding begins."""


class Stretch(NamedTuple):
    """Frames that one ffmpeg cuts.

    Attributes:
        indices: Their numbers, in order.
        begin_s: Of the key frame to begin at, in the container's time; None for the beginning of the file.
    """

    indices: tuple[int, ...]
    begin_s: float | None = None


def stretches(indices: Sequence[int], timeline: Timeline, seekable: bool) -> Iterator[Stretch]:
    """Yields all of some frames, in stretches that leave out what need not be decoded.

    Args:
        indices: The frames' numbers, in order.
        timeline: The video's.
        seekable: Whether ffmpeg finds the key frame before a time.
    """
    keys = [index for index, key in enumerate(timeline.keys) if key] if seekable and timeline.stamped else []
    stretch: list[int] = []
    for index in indices:
        if stretch and (len(stretch) == _AT_ONCE or _begin(index, keys) - stretch[-1] > _WORTH_A_START):
            yield _stretch(stretch, keys, timeline)
            stretch = []
        stretch.append(index)
    if stretch:
        yield _stretch(stretch, keys, timeline)


def _begin(index: int, keys: Sequence[int]) -> int:
    """Returns the frame at which to begin to decode for one, 0 where there is nothing to be left out."""
    before = bisect_right(keys, index)
    return keys[before - _KEYS_BACK] if before >= _KEYS_BACK else 0


def _stretch(indices: Sequence[int], keys: Sequence[int], timeline: Timeline) -> Stretch:
    seconds, per = timeline.tick_s
    begin_s = timeline.ticks[_begin(indices[0], keys)] * seconds / per
    return Stretch(tuple(indices), begin_s if _begin(indices[0], keys) and begin_s > 0 else None)
