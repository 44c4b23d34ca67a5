"""The worker that probes through libav: a program that answers one question a line, in ffprobe's words.

    in:   MOST DEMUXER PATH    at most so many packets (0: all), and the path's bytes as hex
    out:  a JSON object as ffprobe prints it, or null where ffprobe is to be asked

It reads files that nobody trusts, so whoever started it must do without it at any time. It says nothing but what
ffprobe would say of the same file: where PyAV hides something, or an error is met, the answer is null.

It is run by its path and imports nothing of rushes, so that it is there in a tenth of a second.
"""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import av
import av.logging
import msgspec
from av.container import InputContainer
from av.stream import Disposition, Stream

__all__ = ["answer"]

IDLE_S = 120.0
"""A worker that is asked nothing for so long ends; one that is gone is started anew."""
_MOST_PACKETS = 100_000
# ffprobe's names of libav's numbers, and None where it prints none.
_FIELD_ORDERS = {0: None, 1: "progressive", 2: "tt", 3: "bb", 4: "tb", 5: "bt"}
_RANGES = {0: None, 1: "tv", 2: "pc"}
_PRIMARIES = {1: "bt709", 2: None, 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_PRIMARIES |= {10: "smpte428", 11: "smpte431", 12: "smpte432", 22: "ebu3213"}
_TRANSFERS = {1: "bt709", 2: None, 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "linear"}
_TRANSFERS |= {9: "log100", 10: "log316", 11: "iec61966-2-4", 12: "bt1361e", 13: "iec61966-2-1", 14: "bt2020-10"}
_TRANSFERS |= {15: "bt2020-12", 16: "smpte2084", 17: "smpte428", 18: "arib-std-b67"}
_SPACES = {0: "gbr", 1: "bt709", 2: None, 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco"}
_SPACES |= {9: "bt2020nc", 10: "bt2020c", 11: "smpte2085", 12: "chroma-derived-nc", 13: "chroma-derived-c", 14: "ictcp"}
_TURNED = re.compile(r"^ *Display Matrix: rotation of (-?[0-9]+)\.00 degrees$", re.MULTILINE)
_ANY_MATRIX = re.compile("display.?matrix", re.IGNORECASE)
_TOLD_BY_DECODER = frozenset({"h264", "hevc", "aac"})
_MICROSECOND = (1, 1_000_000)


class _UnsureError(Exception):
    """PyAV does not say what ffprobe says."""


def answer(path: str, demuxer: str, most: int | None, max_pixels: int) -> dict[str, Any]:
    """Returns what ffprobe would print of a file's streams, container and chapters, and of its picture's packets.

    Args:
        path: The file, as an absolute path.
        demuxer: The only one that may open it.
        most: How many packets to read, those of all streams counted; None for all.
        max_pixels: What larger pictures have is not read.

    Raises:
        av.FFmpegError: It cannot be opened, or not be read to its end.
    """
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "max_pixels": str(max_pixels),
        "scan_all_pmts": "1",  # as ffprobe has it
        "fflags": "-genpts",  # PyAV alone makes up times
        "skip_loop_filter": "all",  # nobody looks at the frame or two that libav decodes
    }
    with av.open(f"file:{path}", format=demuxer, options=options, metadata_errors="replace") as container:
        _open_decoders(container, max_pixels)
        # Before the streams, because a demuxer may learn on the way how long they are.
        packets = _packets(container, most)
        streams = [_stream(stream) for stream in container.streams]
        _turn(container, streams)
        times = {"duration": container.duration, "start_time": container.start_time}
        return {
            "streams": streams,
            "format": {name: _seconds(at, *_MICROSECOND) for name, at in times.items() if at is not None},
            "packets": packets,
            "chapters": [{} for _ in container.chapters()],
        }


def _open_decoders(container: InputContainer, max_pixels: int) -> None:
    """Fails where ffprobe does: it opens a decoder for each stream, though it decodes nothing.

    A format that only the decoder can have told shows that there was one open already.
    """
    for stream in container.streams:
        context = stream.codec_context
        if context is not None and not (context.name in _TOLD_BY_DECODER and getattr(context, "format", None)):
            context.thread_count = 1
            context.options = {"max_pixels": str(max_pixels)}
            context.open()


def _packets(container: InputContainer, most: int | None) -> list[dict[str, Any]]:
    picture = next((stream.index for stream in container.streams if _is_picture(stream)), None)
    found: list[dict[str, Any]] = []
    for count, packet in enumerate(container.demux()):
        if count == most:
            break
        if packet.stream_index != picture:
            continue
        key, pts, dts = packet.is_keyframe, packet.pts, packet.dts
        if pts is None and dts is None and packet.size == 0 and packet.pos is None:
            break  # what PyAV adds at the end, to flush decoders
        if len(found) == _MOST_PACKETS:
            raise _UnsureError
        flags = ("KD" if key else "_D") if packet.is_discard else ("K_" if key else "__")
        found.append({"stream_index": picture, "pts": pts, "dts": dts, "flags": flags})
    return found


def _is_picture(stream: Stream) -> bool:
    return stream.type == "video" and not stream.disposition & Disposition.attached_pic


def _stream(stream: Stream) -> dict[str, Any]:
    cover = int(bool(stream.disposition & Disposition.attached_pic))
    common = {"index": stream.index, "codec_type": stream.type, "disposition": {"attached_pic": cover}}
    if stream.type not in ("video", "audio"):
        return common
    context, tick_s = stream.codec_context, stream.time_base
    # A decoder of another library, as for AV1, reads damaged headers otherwise than the one that ffprobe has.
    if context is None or tick_s is None or context.name.startswith("lib"):
        raise _UnsureError
    known = {
        "codec_name": context.codec.canonical_name,
        "time_base": f"{tick_s.numerator}/{tick_s.denominator}",
        "profile": context.profile,
        "bit_rate": context.bit_rate,
        "nb_frames": stream.frames or None,
        "duration": None if stream.duration is None else _seconds(stream.duration, *tick_s.as_integer_ratio()),
        "tags": {name: text for name, text in stream.metadata.items() if name == "DURATION"},
    }
    particular = _picture(stream) if stream.type == "video" else _sound(context)
    return common | {name: value for name, value in (known | particular).items() if value is not None}


def _sound(context: Any) -> dict[str, Any]:
    return {"channels": context.channels}


def _picture(stream: Any) -> dict[str, Any]:
    context, rate, pixel = stream.codec_context, stream.average_rate, stream.sample_aspect_ratio
    return {
        "width": context.width,
        "height": context.height,
        "level": context.level,
        "pix_fmt": context.pix_fmt,
        "color_range": _named(context.color_range, _RANGES),
        "color_primaries": _named(context.color_primaries, _PRIMARIES),
        "color_transfer": _named(context.color_trc, _TRANSFERS),
        "color_space": _named(context.colorspace, _SPACES),
        "field_order": _named(context.field_order, _FIELD_ORDERS),
        "avg_frame_rate": f"{rate.numerator}/{rate.denominator}" if rate else None,
        "sample_aspect_ratio": f"{pixel.numerator}:{pixel.denominator}" if pixel else None,
    }


def _named(number: int, names: Mapping[int, str | None]) -> str | None:
    if number not in names:
        raise _UnsureError
    return names[number]


def _turn(container: InputContainer, streams: list[dict[str, Any]]) -> None:
    """Adds how the picture is to be turned, which PyAV knows of decoded frames only, and libav's own summary says.

    The summary has the file's tags in it as well, so only what cannot be mistaken counts.
    """
    av.logging.set_level(av.logging.INFO)
    summary = container.dumps_format()  # type: ignore[attr-defined]  # which PyAV's stubs forget
    av.logging.set_level(None)
    mentions = len(_ANY_MATRIX.findall(summary))
    if mentions == 0:
        return
    turned, pictures = _TURNED.findall(summary), [one for one in streams if one["codec_type"] == "video"]
    if mentions != 1 or len(turned) != 1 or len(pictures) != 1 or int(turned[0]) % 90:
        raise _UnsureError
    pictures[0]["side_data_list"] = [{"rotation": int(turned[0])}]


def _seconds(ticks: int, numerator: int, denominator: int) -> float:
    """Rounds as ffprobe does when it prints."""
    return float(f"{numerator / denominator * ticks:f}")


def _questions() -> Iterator[list[bytes]]:
    while select.select([0], [], [], IDLE_S)[0] and (line := sys.stdin.buffer.readline()):
        yield line.split()


def _main(max_pixels: int) -> None:
    # Nothing but answers may go where answers are read.
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    av.logging.set_skip_repeated(False)
    output.write(msgspec.json.encode(av.ffmpeg_version_info) + b"\n")
    for most, demuxer, path in _questions():
        try:
            found = answer(os.fsdecode(bytes.fromhex(path.decode())), demuxer.decode(), int(most) or None, max_pixels)
        except (av.FFmpegError, _UnsureError):
            found = None
        output.write(msgspec.json.encode(found) + b"\n")


if __name__ == "__main__":
    _main(int(sys.argv[1]))
