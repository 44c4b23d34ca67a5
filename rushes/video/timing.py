"""Rate, length and evenness of a video, from its packets where the container's own word cannot be trusted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median

import msgspec

from rushes.video.answer import Packet
from rushes.video.timeline import in_order

__all__ = ["Timing", "clock", "measure", "ratio"]

_REORDERED = 16  # the most that H.264 and HEVC allow


class Timing(msgspec.Struct, frozen=True):
    """The parts of a MediaInfo that are about time; see there."""

    duration_s: float | None
    fps: float | None
    frames: int | None
    vfr: bool


def measure(
    packets: Sequence[Packet],
    *,
    whole: bool,
    tick_s: Fraction,
    stated_fps: Fraction,
    stated_frames: int | None,
    stated_s: float | None,
) -> Timing:
    """Returns the timing of a video.

    Args:
        packets: Those of its picture: all, or the first ones.
        whole: Whether they are all.
        tick_s: Seconds per tick of the packets' times.
        stated_fps: Average frame rate, as the container says; 0 where it does not.
        stated_frames: Number of frames, as the container says.
        stated_s: Length in seconds, as the container says.
    """
    ticks = [tick for tick, _ in in_order(packets)[0]]
    deltas = [after - before for before, after in pairwise(ticks)]
    vfr = _uneven(deltas)
    length_s = sum(deltas) * tick_s
    if whole and length_s and _understated(stated_s, length_s, Fraction(median(deltas)) * tick_s):
        stated_s = float(length_s + Fraction(median(deltas)) * tick_s)
    return Timing(
        duration_s=None if stated_s is None else round(stated_s, 6),
        fps=_fps(stated_fps, len(deltas) / length_s if length_s else None, vfr),
        frames=len(ticks) if whole else stated_frames,
        vfr=vfr,
    )


def _understated(stated_s: float | None, length_s: Fraction, delta_s: Fraction) -> bool:
    """Says whether the container's word is missing, or ends before the last frame begins.

    Muxers add up the distances of frames in the order of decoding, which end up to `_REORDERED` frames earlier.
    """
    return stated_s is None or stated_s < length_s <= stated_s + _REORDERED * delta_s


def _uneven(deltas: list[int]) -> bool:
    """Says whether frame distances differ by more than rounding to the container's ticks explains."""
    return bool(deltas) and max(deltas) - min(deltas) > 1 + median(deltas) / 10


def _fps(stated: Fraction, measured: Fraction | None, vfr: bool) -> float | None:
    """Prefers what the container says (30000/1001) unless the frames say otherwise; FLV and MKV may state 1000."""
    if measured is not None and (vfr or abs(stated - measured) > measured / 50):
        return round(float(measured), 3)
    return round(float(stated), 6) if stated else None


def clock(text: str) -> float | None:
    """Returns the seconds of Matroska's `00:00:10.381000000`, or None for another text."""
    match = re.fullmatch(r"([0-9]+):([0-9]+):([0-9]+(?:\.[0-9]+)?)", text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def ratio(text: str) -> Fraction:
    """Returns the value of ffprobe's `30000/1001` or `4:3`, or 0 for what is no number, like its `0/0`."""
    match = re.fullmatch(r"([0-9]+)[/:]0*([1-9][0-9]*)", text)
    return Fraction(int(match[1]), int(match[2])) if match else Fraction(0)
