"""What one video may cost: sizes that are refused before a frame is decoded, and what the kernel lets ffmpeg have.

A file of a kilobyte can ask for gigabytes of memory, for hours and for a full disk. The limits here are far above what
any video of the same size needs, so only what is wrong meets them.
"""

from __future__ import annotations

import math
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rushes.errors import MediaLimitsError

__all__ = [
    "MAX_PIXELS",
    "NOTHING_WRITTEN",
    "UNLIMITED",
    "Limits",
    "check_duration",
    "check_filled",
    "check_repeated",
    "check_size",
    "encoding",
    "frames",
    "restrict",
]

MAX_PIXELS = 8192 * 8192
"""A larger picture takes gigabytes to decode; a 4 MB file can ask for it."""
MAX_SIDE = 16384
"""No encoder at hand takes a longer one."""
_MIB = 2**20
_MEMORY_BYTES = 3 * 1024 * _MIB
# Sixty frames that an encoder looks ahead, sixteen that it refers to, as many in the decoder, and a few as floats.
_MEMORY_BYTES_PER_PIXEL = 400
_GROWTH = 64
# A slide a minute, shown at sixty frames a second, is 3600 for one.
_MOST_FILLING = 4000
_FILLING = 10000
_MOST_TIMES = 10


class Limits(NamedTuple):
    """What one ffmpeg may have.

    Attributes:
        memory_bytes: Address space; None for as much as it likes.
        file_bytes: Size of each file that it writes; likewise.
    """

    memory_bytes: int | None
    file_bytes: int | None


NOTHING_WRITTEN = Limits(_MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * MAX_PIXELS, 0)
"""For what answers on standard output only."""
UNLIMITED = Limits(None, None)
"""For what reads and writes no file."""


def encoding(source: Path, pixels: int, made_pixels: int = 0) -> Limits:
    """Returns the limits of an encoder or a copier.

    What becomes of a video is smaller than 64 times the video, or small: encoders follow what there is to be seen, and
    a source that unfolds to more is made to do so.

    Args:
        source: The video.
        pixels: Of each of its pictures.
        made_pixels: Of each picture that is made of them, where they are enlarged.
    """
    memory_bytes = _MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * max(pixels, made_pixels)
    growth = _GROWTH * max(1, made_pixels // pixels)
    return Limits(memory_bytes, 256 * _MIB + growth * source.stat().st_size)


def frames(pixels: int) -> Limits:
    """Returns the limits of what writes pictures of so many pixels, a file each."""
    return Limits(_MEMORY_BYTES + _MEMORY_BYTES_PER_PIXEL * pixels, 16 * _MIB + 8 * pixels)


def check_size(path: Path, width: int, height: int) -> None:
    """Refuses a picture that is larger than anything that is filmed.

    Raises:
        MediaLimitsError: It is.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise MediaLimitsError(
            f"{path.name}: {width}x{height} pixels; at most {MAX_PIXELS} in all can be read, and {MAX_SIDE} in a row. "
            "Make it smaller, or leave it out."
        )


def check_repeated(path: Path, shown: int, listed: int | None) -> None:
    """Refuses a container that holds a few frames and has them shown without end, as an mp4's edit list may.

    Raises:
        MediaLimitsError: It does.
    """
    if listed is not None and shown > _MOST_TIMES * listed + _FILLING:
        raise MediaLimitsError(
            f"{path.name}: its {listed} frames are to be shown {shown} times. It is made to take long: leave it out."
        )


def check_duration(path: Path, duration_s: float | None, longest_s: float) -> None:
    """Refuses what takes longer to show than is allowed.

    Raises:
        MediaLimitsError: It does.
    """
    if duration_s is not None and duration_s > longest_s:
        raise MediaLimitsError(
            f"{path.name}: lasts {duration_s:.0f} s, more than {longest_s:.0f} s. If it really does, raise "
            "transcode.max_duration_s; else its times are damaged: leave it out."
        )


def check_filled(path: Path, fps: float, duration_s: float | None, frames: int | None) -> None:
    """Refuses to fill gaps with frames where nearly all of them would be filling.

    Raises:
        MediaLimitsError: They would.
    """
    if duration_s is None or frames is None:
        return
    made = math.ceil(duration_s * fps)
    if made > _MOST_FILLING * frames + _FILLING:
        raise MediaLimitsError(
            f"{path.name}: {frames} frames in {duration_s:.0f} s; fps = {fps:g} would make {made} frames of them. "
            "Its times are damaged: leave it out, or set no transcode.fps."
        )


def restrict(pid: int, limits: Limits, timeout_s: float | None) -> None:
    """Has the kernel hold a child to limits, where it can; call it as soon as the child is there.

    From outside, because code between fork and exec deadlocks where there are threads, and a program that sets limits
    and then becomes ffmpeg costs as much as a probe does.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    wanted = {resource.RLIMIT_CORE: 0}
    if limits.memory_bytes is not None:
        there = max(_MEMORY_BYTES, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        wanted[resource.RLIMIT_AS] = min(limits.memory_bytes, there)
    if limits.file_bytes is not None:
        wanted[resource.RLIMIT_FSIZE] = limits.file_bytes
    if timeout_s is not None:  # should the one be stopped who would end it
        wanted[resource.RLIMIT_CPU] = math.ceil(timeout_s * (os.cpu_count() or 1)) + 1
    with suppress(ProcessLookupError, PermissionError):  # gone already, or a sandbox that has limits of its own
        for kind, value in wanted.items():
            _, most = resource.prlimit(pid, kind)
            held = value if most == resource.RLIM_INFINITY else min(value, most)
            resource.prlimit(pid, kind, (held, held))
