"""Videos that are short and ask for much: pixels, frames, years, streams."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tests.containers import avi, box, ebml, inside, jpeg, mkv, png, sps, track, unsigned
from tests.hostile_media.case import FRAMES, SMALL, Case, clip
from tests.hostile_media.images import image, resized
from tests.rushes.video.clips import card

__all__ = ["SIZES"]


def picture_in_mkv(width: int, height: int) -> bytes:
    private = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MPNG", 0, 0, 0, 0, 0)
    entry = track(1, "V_MS/VFW/FOURCC", (width, height), private=private)
    return mkv([entry], [(0, png(width, height)), (100, png(width, height))])


@cache
def h264() -> tuple[bytes, ...]:
    """The units of an H.264 stream."""
    options = (
        "-c:v",
        "libx264",
        "-profile:v",
        "baseline",
        "-pix_fmt",
        "yuv420p",
        "-bsf:v",
        "filter_units=remove_types=6",
    )
    with tempfile.TemporaryDirectory() as folder:
        content = card(Path(folder) / "a.h264", *options).read_bytes()
    return tuple(unit.lstrip(b"\0").rstrip(b"\0") for unit in content.split(b"\0\0\1") if unit.strip(b"\0"))


def wide_h264(blocks_wide: int, blocks_high: int) -> bytes:
    """A Matroska of H.264 whose stream says that it is large."""
    pps = next(unit for unit in h264() if unit[0] & 31 == 8)
    named = sps(blocks_wide, blocks_high)
    private = b"\1" + named[1:4] + b"\xff\xe1" + struct.pack(">H", len(named)) + named
    private += b"\1" + struct.pack(">H", len(pps)) + pps
    coded = [struct.pack(">I", len(unit)) + unit for unit in h264() if unit[0] & 31 in (1, 5)]
    entry = track(1, "V_MPEG4/ISO/AVC", (16 * blocks_wide, 16 * blocks_high), private=private)
    return mkv([entry], [(40 * number, unit) for number, unit in enumerate(coded)])


def wide_jpeg(width: int, height: int) -> bytes:
    """A Matroska of JPEG pictures that say that they are large."""
    picture = resized(image("JPEG"), b"\xff\xc0", width, height)
    return mkv([track(1, "V_MJPEG", (width, height))], [(0, picture), (100, picture)])


def of_times(*ticks: int, tick_ns: int = 10**6, info: bytes = b"") -> bytes:
    return mkv([SMALL], [(tick, jpeg()) for tick in ticks], info=info, tick_ns=tick_ns)


def patched_mp4(path: Sequence[bytes], at: int, form: str, *values: int) -> bytes:
    """A good mp4 with other numbers in one of its boxes."""

    def change(content: bytes) -> bytes:
        packed = struct.pack(form, *values)
        return content[:at] + packed + content[at + len(packed) :]

    return inside(clip(".mp4"), path, change)


def edits(*listed: tuple[int, int, int]) -> bytes:
    """A good mp4 with another edit list; entries are (duration, time, rate)."""
    body = struct.pack(">II", 0, len(listed)) + b"".join(struct.pack(">IiI", *edit) for edit in listed)
    return inside(clip(".mp4"), (b"moov", b"trak", b"edts", b"elst"), lambda _: body)


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = struct.pack(">I4s", len(content) + 8, b"moov" if depth < 3 else b"trak") + content
    return box(b"ftyp", b"isom", bytes(4)) + box(b"moov", content)


def crowded_mp4(count: int) -> bytes:
    content = clip(".mp4")
    at = content.index(b"trak") - 4
    length = struct.unpack_from(">I", content, at)[0]
    return inside(content, (b"moov",), lambda moov: moov + content[at : at + length] * (count - 1))


def dense(count: int) -> bytes:
    """A Matroska of as many frames as fit: a byte each, which none of them can be decoded from."""
    blocks = (ebml("a3", b"\x81" + struct.pack(">h", number % 30000) + b"\x80\0") for number in range(count))
    head = mkv([SMALL], FRAMES[:1])
    return head + ebml("1f43b675", unsigned("e7", 0), *blocks)


def endless_ts(times: int) -> bytes:
    return clip(".ts", "-c:v", "mpeg2video", "-b:v", "300k") * times


def deep_mkv(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = ebml("67c8", content)
    return mkv([SMALL], FRAMES, ebml("1254c367", ebml("7373", content)))


MOOV = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
YEARS_MS = 10 * 365 * 24 * 3600 * 1000
SIZES = [
    Case(
        "PNG of 16000x16000 in Matroska",
        "a.mkv",
        lambda _: picture_in_mkv(16000, 16000),
        "corrupt_media, media_limits",
    ),
    Case("JPEG of 16000x16000 in Matroska", "a.mkv", lambda _: wide_jpeg(16000, 16000), "corrupt_media"),
    Case("H.264 of 16384x16384", "a.mkv", lambda _: wide_h264(1024, 1024), "corrupt_media"),
    Case("H.264 of 65536x16", "a.mkv", lambda _: wide_h264(4096, 1), "media_limits"),
    Case(
        "H.264 of 8192x8192 in a few kilobytes",
        "a.mkv",
        lambda _: wide_h264(512, 512),
        "corrupt_media",
        look="ok, corrupt_media",
    ),
    Case(
        "Matroska that says 65535x65535, and is not",
        "a.mkv",
        lambda _: mkv([track(1, "V_MJPEG", (65535, 65535))], FRAMES),
        "ok",
    ),
    Case(
        "pixels 65,535 times as wide as high",
        "a.mkv",
        lambda _: mkv([track(1, "V_MJPEG", (64, 48), unsigned("54b0", 64 * 65535), unsigned("54ba", 48))], FRAMES),
        "media_limits",
    ),
    Case(
        "pixels 65,535 times as high as wide",
        "a.mkv",
        lambda _: mkv([track(1, "V_MJPEG", (64, 48), unsigned("54b0", 1), unsigned("54ba", 48 * 1023))], FRAMES),
        "ok",
    ),
    Case("5 frames in 23 hours", "a.mkv", lambda _: of_times(0, 100, 200, 300, 83_333_333), "corrupt_media", look="ok"),
    Case(
        "5 frames in 23 hours, at 30 a second",
        "a.mkv",
        lambda _: of_times(0, 100, 200, 300, 83_333_333),
        "media_limits",
        30.0,
        look="ok",
    ),
    Case("3 frames in ten years", "a.mkv", lambda _: of_times(0, 100, YEARS_MS), "media_limits", look="ok"),
    Case(
        "3 frames in ten years that say one second",
        "a.mkv",
        lambda _: of_times(0, 100, YEARS_MS, info=ebml("4489", struct.pack(">d", 1000.0))),
        "media_limits",
        look="ok",
    ),
    Case(
        "the same, at 30 a second",
        "a.mkv",
        lambda _: of_times(0, 100, YEARS_MS, info=ebml("4489", struct.pack(">d", 1000.0))),
        "media_limits",
        30.0,
        look="ok",
    ),
    Case(
        "3 frames that say 292,000 years",
        "a.mkv",
        lambda _: of_times(0, 100, 200, info=ebml("4489", struct.pack(">d", 9.2e15))),
        "media_limits",
        look="ok",
    ),
    Case("3 frames at times that go back", "a.mkv", lambda _: of_times(10**9, 100, 0), "media_limits", look="ok"),
    Case("a tick of a nanosecond", "a.mkv", lambda _: of_times(0, 1, 2, tick_ns=1), "ok, transcode_failed", look="ok"),
    Case(
        "a million frames a second",
        "a.mp4",
        lambda _: patched_mp4((b"moov", b"trak", b"mdia", b"mdhd"), 12, ">I", 512 * 10**6),
        "ok",
    ),
    Case(
        "a clock of 4,294,967,295 ticks",
        "a.mp4",
        lambda _: patched_mp4((b"moov", b"trak", b"mdia", b"mdhd"), 12, ">I", 2**32 - 1),
        "corrupt_media",
        look="ok",
    ),
    Case(
        "a clock of 0 ticks",
        "a.mp4",
        lambda _: patched_mp4((b"moov", b"trak", b"mdia", b"mdhd"), 12, ">I", 0),
        "corrupt_media",
        look="ok",
    ),
    Case(
        "frames of 136 years each",
        "a.mp4",
        lambda _: patched_mp4((*MOOV, b"stts"), 12, ">I", 2**31 - 1),
        "corrupt_media",
        look="ok",
    ),
    Case(
        "4,294,967,295 frames in the table of sizes",
        "a.mp4",
        lambda _: patched_mp4((*MOOV, b"stsz"), 8, ">I", 2**32 - 1),
        "corrupt_media",
    ),
    Case(
        "4,294,967,295 frames of one size",
        "a.mp4",
        lambda _: patched_mp4((*MOOV, b"stsz"), 4, ">II", 1, 2**31 - 1),
        "corrupt_media",
    ),
    Case(
        "4,294,967,295 frames in the table of times",
        "a.mp4",
        lambda _: patched_mp4((*MOOV, b"stts"), 8, ">I", 2**32 - 1),
        "corrupt_media",
    ),
    Case(
        "4,294,967,295 pieces",
        "a.mp4",
        lambda _: patched_mp4((*MOOV, b"stsc"), 16, ">I", 2**32 - 1),
        "ok",
    ),
    Case("an edit of 136 years", "a.mp4", lambda _: edits((2**32 - 1, 0, 65536)), "ok"),
    Case(
        "an edit that begins beyond the end",
        "a.mp4",
        lambda _: edits((1000, 2**31 - 1, 65536)),
        "corrupt_media",
    ),
    Case(
        "an empty edit of 136 years",
        "a.mp4",
        lambda _: edits((2**32 - 1, -1, 65536), (1000, 0, 65536)),
        "ok",
    ),
    Case(
        "5,000 edits that show a second again and again",
        "a.mp4",
        lambda _: edits(*[(1000, 0, 65536)] * 5_000),
        "media_limits",
    ),
    Case("10,000 boxes in each other", "a.mp4", lambda _: nested(10_000), "not_media"),
    Case("300 tags in each other", "a.mkv", lambda _: deep_mkv(300), "ok"),
    Case("5,000 streams in an mp4", "a.mp4", lambda _: crowded_mp4(5000), "corrupt_media"),
    Case(
        "5,000 streams in Matroska",
        "a.mkv",
        lambda _: mkv([track(number + 1, "V_MJPEG", (64, 48)) for number in range(5000)], FRAMES),
        "ok, corrupt_media",
    ),
    Case("100,000 frames of a byte", "a.mkv", lambda _: dense(100_000), "corrupt_media", look="ok, corrupt_media"),
    Case(
        "100,000 frames of nothing in an AVI",
        "a.avi",
        lambda _: avi([jpeg(), *[b""] * 100_000]),
        "corrupt_media",
        look="ok",
    ),
    Case(
        "an AVI of 4,294,967,295 frames a second",
        "a.avi",
        lambda _: avi([jpeg()] * 5, rate=(2**32 - 1, 1)),
        "ok",
    ),
    Case(
        "an AVI of a frame in 136 years",
        "a.avi",
        lambda _: avi([jpeg()] * 5, rate=(1, 2**32 - 1)),
        "media_limits",
        look="ok",
    ),
    Case(
        "a transport stream that begins anew a hundred times",
        "a.ts",
        lambda _: endless_ts(100),
        "corrupt_media",
        look="ok",
    ),
]
