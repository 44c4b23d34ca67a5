"""When the frames of a video are shown, read from its packets and without decoding any."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from rushes.errors import CorruptMediaError, NotMediaError
from rushes.video.answer import Container, Packet
from rushes.video.ffprobe import query, sniff_video

__all__ = ["Timeline", "frame_times", "in_order", "keyframe_indices", "read_timeline", "tick_at"]

_WHOLE_BYTES = 64 * 1024 * 1024
_NEAR_S = 3.0
"""So far from its neighbours in the file may a frame be shown, or what is sought be overshot."""
_ROUNDED_S = 5e-4  # people and tools write times in whole milliseconds


class Timeline(msgspec.Struct, frozen=True):
    """The frames of a video in presentation order.

    Attributes:
        ticks: When each is shown, in `tick_s`.
        keys: Whether each can be decoded alone.
        tick_s: Seconds per tick, as numerator and denominator.
        start_s: Where the container's time begins.
        stamped: Whether the container gives presentation times; otherwise decoding times stand in.
    """

    ticks: tuple[int, ...]
    keys: tuple[bool, ...]
    tick_s: tuple[int, int]
    start_s: float
    stamped: bool


class _Stream(msgspec.Struct, frozen=True):
    time_base: str


class _Answer(msgspec.Struct, frozen=True):
    packets: list[Packet] = msgspec.field(default_factory=list)
    streams: list[_Stream] = msgspec.field(default_factory=list)
    format: Container = Container()


_SHOW = ["-select_streams", "V:0", "-show_entries", "packet=pts,dts,flags:stream=time_base:format=start_time"]


def read_timeline(path: Path, interval: str | None = None) -> Timeline:
    """Returns when the frames of a video file are shown, all or those in an interval that ffprobe understands.

    Raises:
        NotMediaError: The file is no video.
        CorruptMediaError: It cannot be opened, or holds no frame.
        FFmpegNotFoundError: There is no ffprobe.
    """
    sniffed = sniff_video(path)
    show = [*_SHOW, "-read_intervals", interval] if interval else _SHOW
    answer = query(path, sniffed, show, _Answer)
    frames, stamped = in_order(answer.packets)
    if not answer.streams:
        raise NotMediaError(f"{path.name}: no video stream inside. Leave it out.")
    if not frames:
        raise CorruptMediaError(f"{path.name}: no video frame inside. Fetch it again, or leave it out.")
    seconds, per = answer.streams[0].time_base.split("/")
    # Sound that begins before zero is an encoder's priming, which no player shows.
    start_s = max(0.0, answer.format.start_time or 0.0)
    if stamped and sniffed.demuxers == "mov":
        # Where an edit list begins without a key frame, ffmpeg counts from a later frame than the first that it shows.
        start_s = min(start_s, frames[0][0] * int(seconds) / int(per))
    return Timeline(
        ticks=tuple(tick for tick, _ in frames),
        keys=tuple(key for _, key in frames),
        tick_s=(int(seconds), int(per)),
        start_s=start_s,
        stamped=stamped,
    )


def tick_at(path: Path, at_s: float, start_s: float = 0.0) -> int:
    """Returns when the frame appeared, in ticks, that is on screen at a time; the first frame, before it is.

    Of a large file only the packets around that time are read.

    Args:
        path: The video.
        at_s: Seconds from the beginning.
        start_s: Where the container's time begins.

    Raises:
        The errors of `read_timeline`.
    """
    at_s += start_s
    near = f"{max(0.0, at_s - _NEAR_S):.6f}%{at_s + _NEAR_S:.6f}" if path.stat().st_size > _WHOLE_BYTES else None
    timeline = read_timeline(path, near)
    seconds, per = timeline.tick_s
    shown = [tick for tick in timeline.ticks if tick * seconds / per <= at_s + _ROUNDED_S]
    return shown[-1] if shown else timeline.ticks[0]


def in_order(packets: Sequence[Packet]) -> tuple[list[tuple[int, bool]], bool]:
    """Returns the shown frames as (tick, is key) in presentation order, and whether all had a presentation time.

    Where one has none (AVI and raw streams), decoding times stand in for all: the same times, a few frames early.
    """
    shown = [packet for packet in packets if packet.shown]
    stamped = all(packet.pts is not None for packet in shown)
    times = ((packet.pts if stamped else packet.dts, "K" in packet.flags) for packet in shown)
    return sorted((tick, key) for tick, key in times if tick is not None), stamped


def frame_times(path: Path) -> list[float]:
    """Returns when each video frame is shown, in seconds from the beginning of the file, in presentation order.

    Item k belongs to frame k of `extract_frames`. The first is not always 0: the sound may begin earlier.

    Raises:
        NotMediaError: The file is no video.
        CorruptMediaError: It cannot be opened, or holds no frame.
        FFmpegNotFoundError: There is no ffprobe.
    """
    timeline = read_timeline(path)
    seconds, per = timeline.tick_s
    return [round(tick * seconds / per - timeline.start_s, 6) for tick in timeline.ticks]


def keyframe_indices(path: Path) -> list[int]:
    """Returns which frames, by 0-based index, can be decoded alone.

    Raises:
        NotMediaError: The file is no video.
        CorruptMediaError: It cannot be opened, or holds no frame.
        FFmpegNotFoundError: There is no ffprobe.
    """
    return [index for index, key in enumerate(read_timeline(path).keys) if key]
