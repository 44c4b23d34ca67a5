"""Frames of a video that are sought, not decoded up to: for a look at it, in the time that a look may take."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from rushes.errors import DiskFullError
from rushes.video.frame_commands import Moment, stills_command
from rushes.video.limits import frames
from rushes.video.probe import Probed
from rushes.video.process import run
from rushes.video.timeline import frame_times
from rushes.video.timing import ratio

__all__ = ["Shown", "sought", "spread", "take", "tick_of", "time_of"]

_PIXELS_AT_ONCE = 40_000_000  # of pictures that one ffmpeg decodes side by side
_MOST_AT_ONCE = 16
_BACK_S = 3.0  # how far before a time to look there, because what is sought may be overshot by a group of pictures
_MOST_OUTPUTS = 64
_TIMEOUT_S = 300.0


class Shown(NamedTuple):
    """A frame that was found.

    Attributes:
        tick: When it appears, in ticks of its stream.
        file: The picture, as PPM.
    """

    tick: int
    file: Path


def spread(source: Path, probed: Probed, count: int, box: tuple[int, int], folder: Path) -> list[Shown]:
    """Returns frames from the middles of equal parts: key frames, and others where the same would stand there twice."""
    length_s = probed.info.duration_s or frame_times(source)[-1]
    times_s = [(number + 0.5) * length_s / count for number in range(count)]
    keys = take(source, probed, [Moment(at_s) for at_s in times_s], box, folder)
    ends = [tick_of(at_s + length_s / count / 2, probed) for at_s in times_s]
    keys = {number: still for number, still in keys.items() if still.tick < ends[number]}
    moments = [
        Moment(sought(times_s[first], probed), tick_of(times_s[number], probed))
        for first, number in _unfilled(keys, count)
    ]
    others = take(source, probed, moments, box, folder)
    found = {still.tick: still for still in (*keys.values(), *others.values())}
    return [still for _, still in sorted(found.items())]


def _unfilled(keys: Mapping[int, Shown], count: int) -> Iterator[tuple[int, int]]:
    """Yields the parts for which no key frame was found, or that of the part before; and where to seek for them.

    Those behind one key frame are sought together, because they are decoded together.
    """
    last: int | None = None
    first = 0
    for number in range(count):
        if number not in keys or keys[number].tick == last:
            yield first, number
        else:
            last, first = keys[number].tick, number + 1


def take(
    source: Path, probed: Probed, moments: Sequence[Moment], size: tuple[int, int], folder: Path
) -> dict[int, Shown]:
    """Returns what is found for each moment, by its number; one ffmpeg seeks several."""
    pixels = probed.info.width * probed.info.height
    at_once = max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // pixels))
    found: dict[int, Shown] = {}
    for chunk in _chunks(list(enumerate(moments)), at_once):
        made = mkdtemp(dir=folder)
        command = stills_command(source, f"{made}/".replace("%", "%%"), probed, [moment for _, moment in chunk], size)
        done = run(command, timeout_s=_TIMEOUT_S, limits=frames(max(pixels, _PIXELS_AT_ONCE)))
        if any("No space left on device" in line for line in done.errors):
            raise DiskFullError(
                f"{source.name}: no space left in {folder.parent} for its frames. Free some, and try again."
            )
        for file in Path(made).iterdir():
            place, tick = file.stem.split("_")
            found[chunk[int(place)][0]] = Shown(int(tick), file)
    return found


def _chunks(moments: Sequence[tuple[int, Moment]], at_once: int) -> Iterator[list[tuple[int, Moment]]]:
    """Yields moments that need so many decoders at most; those that are sought together share one."""
    chunk: list[tuple[int, Moment]] = []
    for numbered in moments:
        decoders = {moment.at_s for _, moment in (*chunk, numbered)}
        if len(decoders) > at_once or len(chunk) == _MOST_OUTPUTS:
            yield chunk
            chunk = []
        chunk.append(numbered)
    if chunk:
        yield chunk


def tick_of(time_s: float, probed: Probed) -> int:
    """Returns the first tick at or after a time, in seconds from the beginning."""
    return math.ceil((time_s + probed.start_s) / ratio(probed.time_base))


def time_of(tick: int, probed: Probed) -> float:
    """Returns the time of a tick, in seconds from the beginning."""
    return round(float(tick * ratio(probed.time_base)) - probed.start_s, 6)


def sought(time_s: float, probed: Probed) -> float:
    """Returns where to seek for a frame that is not to be missed."""
    return time_s if probed.seekable else max(0.0, time_s - _BACK_S)
