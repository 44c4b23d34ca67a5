"""Where a long video is cut, so that it can be encoded in chunks side by side.

Cuts lie at key frames of the source, because decoding can begin there, and depend on the source and the settings alone:
the same video is cut in the same places however many cores there are. Each chunk knows how many frames it must have and
at which times, so that what an encoder makes of it can be told from what it should have made.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import msgspec

from rushes.errors import MediaError
from rushes.video.answer import Packet
from rushes.video.config import TranscodeConfig
from rushes.video.ffprobe import query, sniff_video
from rushes.video.hardware import HARDWARE
from rushes.video.probe import Probed
from rushes.video.timeline import in_order
from rushes.video.timing import ratio

__all__ = ["Chunk", "cut", "in_chunks", "times_of"]

_MOST = 1000
_FRAGMENTS = re.compile(r"frag_|empty_moov")


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """A part of a video, from a key frame to the next chunk's.

    Attributes:
        number: From 0.
        tick: When its first frame is shown, in the source's ticks.
        at_s: Where to look for that frame, in seconds from the container's beginning.
        frames: How many there are.
        times: Digest of when they are shown, counted from the first; see `times_of`.
        open: Whether frames that are decoded after the first are shown before it: they are the chunk before's, and a
            decoder that begins here complains of what they refer to.
    """

    number: int
    tick: int
    at_s: float
    frames: int
    times: str
    open: bool


class _Answer(msgspec.Struct, frozen=True):
    packets: list[Packet] = msgspec.field(default_factory=list)


def in_chunks(probed: Probed, config: TranscodeConfig) -> bool:
    """Says whether a video is long enough for chunks, and such that each can be found: it has an index, and no cut.

    Where the frame rate is to be changed, frames are counted from the beginning, so that takes one pass. So does what
    is meant for a graphics card: it waits for no core; and what goes into fragments, which have no list of edits that
    says when the first frame is shown.
    """
    whole = config.fps is None and not config.start_time and config.duration is None
    cuttable = probed.seekable and config.vcodec not in HARDWARE and not _FRAGMENTS.search(config.movflags)
    return whole and cuttable and 0 < config.split_s < (probed.info.duration_s or 0)


def cut(source: Path, probed: Probed, config: TranscodeConfig) -> tuple[Chunk, ...]:
    """Returns the chunks of a video, or none where it is to be encoded in one pass.

    Args:
        source: The video; all its packets are read, and nothing is decoded.
        probed: Its probe.
        config: What it is to be.

    Raises:
        FFmpegNotFoundError: There is no ffprobe.
    """
    if not in_chunks(probed, config):
        return ()
    show = ["-select_streams", "V:0", "-show_entries", "packet=pts,dts,flags"]
    try:
        packets = query(source, sniff_video(source), show, _Answer, config.max_time_s).packets
    except MediaError:  # which the one pass finds, too, and says
        return ()
    frames, stamped = in_order(packets)
    ticks = [tick for tick, _ in frames]
    if not stamped or any(later <= tick for tick, later in pairwise(ticks)):
        return ()
    keys = [index for index, (_, key) in enumerate(frames) if key]
    tick_s = ratio(probed.time_base)
    starts = list(_starts(ticks, keys, math.ceil(float((ticks[-1] - ticks[0]) * tick_s) / config.split_s)))
    return tuple(_chunks(starts, ticks, set(_open(packets)), tick_s, probed)) if len(starts) > 1 else ()


def times_of(ticks: Sequence[int], tick_s: Fraction, unit_s: Fraction) -> str | None:
    """Returns a digest of the times of frames, counted from the first; None where they do not fall on whole units.

    Args:
        ticks: The times.
        tick_s: Seconds per tick of theirs.
        unit_s: Seconds per tick to count in.
    """
    scale, digest = tick_s / unit_s, hashlib.sha256()
    for tick in ticks:
        units, rest = divmod((tick - ticks[0]) * scale.numerator, scale.denominator)
        if rest:
            return None
        digest.update(b"%d," % units)
    return digest.hexdigest()[:16]


def _starts(ticks: Sequence[int], keys: Sequence[int], wanted: int) -> Iterator[int]:
    """Yields the frames that chunks of about equal length begin with; the last is no shorter than half of one."""
    number = min(wanted, _MOST)
    length = (ticks[-1] - ticks[0]) / max(1, number)
    yield 0
    before = 0
    for turn in range(1, number):
        due = ticks[0] + turn * length
        start = next((key for key in keys if ticks[key] >= due and key > before), None)
        if start is None or ticks[-1] - ticks[start] < length / 2:
            return
        yield start
        before = start


def _open(packets: Sequence[Packet]) -> Iterator[int]:
    """Yields the times of key frames after which frames are decoded that are shown before them."""
    key: int | None = None
    for packet in packets:
        if "K" in packet.flags:
            key = packet.pts
        elif key is not None and packet.pts is not None and packet.pts < key:
            yield key


def _chunks(
    starts: Sequence[int], ticks: Sequence[int], opened: set[int], tick_s: Fraction, probed: Probed
) -> Iterator[Chunk]:
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(ticks)], strict=True)):
        yield Chunk(
            number,
            tick=ticks[start],
            at_s=max(0.0, round(float(ticks[start] * tick_s) - probed.start_s - probed.early_s, 6)),
            frames=end - start,
            times=times_of(ticks[start:end], tick_s, tick_s) or "",
            open=ticks[start] in opened,
        )
