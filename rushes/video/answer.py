"""What is asked of a video file, in ffprobe's words, whoever answers: ffprobe, or libav in a process of ours."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["HEAD_PACKETS", "WHOLE_BYTES", "Answer", "Container", "Packet", "Stream"]

WHOLE_BYTES = 64 * 1024 * 1024
"""Up to this size every packet is read: it costs less than a decoded second, and says what is really there."""
HEAD_PACKETS = 1200
"""So many are read of a larger file."""


class Packet(msgspec.Struct, frozen=True):
    """One compressed frame: times in ticks of the stream, `K` for key, `D` for discard."""

    stream_index: int = 0
    pts: int | None = None
    dts: int | None = None
    flags: str = ""

    @property
    def shown(self) -> bool:
        """Whether the frame is on screen; an edit list hides some that others need for decoding."""
        return "D" not in self.flags


class Disposition(msgspec.Struct, frozen=True):
    """What a stream is for."""

    attached_pic: int = 0


class SideData(msgspec.Struct, frozen=True):
    """What a container says of a stream beside its codec."""

    rotation: float | None = None


class Stream(msgspec.Struct, frozen=True):
    """One stream; what is unknown is left out."""

    index: int
    codec_type: str = ""
    codec_name: str | None = None
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = "1:1"
    time_base: str = "1/1"
    avg_frame_rate: str = "0/0"
    duration: float | None = None
    nb_frames: int | None = None
    profile: str = ""
    level: int = 0
    pix_fmt: str = ""
    color_range: str = ""
    channels: int = 0
    bit_rate: int = 0
    field_order: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    color_space: str = ""
    disposition: Disposition = Disposition()
    side_data_list: list[SideData] = msgspec.field(default_factory=list)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Container(msgspec.Struct, frozen=True):
    """What holds the streams."""

    duration: float | None = None
    start_time: float | None = None


class Answer(msgspec.Struct, frozen=True):
    """All of it. Of the packets, those of the first moving picture count."""

    streams: list[Stream] = msgspec.field(default_factory=list)
    format: Container = Container()
    packets: list[Packet] = msgspec.field(default_factory=list)
    chapters: list[dict[str, Any]] = msgspec.field(default_factory=list)
