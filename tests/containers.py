"""Containers byte by byte, for files that no honest program would write."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence

from PIL import Image

__all__ = ["BITS", "avi", "box", "chunk", "ebml", "inside", "jpeg", "mkv", "png", "sps", "track", "unsigned"]


def ebml(name: str, *body: bytes) -> bytes:
    """Returns an element of Matroska (RFC 8794), its id in hexadecimal."""
    content = b"".join(body)
    return bytes.fromhex(name) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def unsigned(name: str, value: int) -> bytes:
    return ebml(name, value.to_bytes(8, "big"))


def track(number: int, codec: str, size: tuple[int, int], *more: bytes, private: bytes = b"") -> bytes:
    """Returns an entry for a stream of pictures (RFC 9559, 5.1.4)."""
    video = ebml("e0", unsigned("b0", size[0]), unsigned("ba", size[1]), *more)
    head = unsigned("d7", number) + unsigned("73c5", number) + unsigned("83", 1) + ebml("86", codec.encode())
    return ebml("ae", head, *([ebml("63a2", private)] if private else []), video)


def mkv(
    tracks: Iterable[bytes], frames: Iterable[tuple[int, bytes]], *more: bytes, info: bytes = b"", tick_ns: int = 10**6
) -> bytes:
    """Returns a Matroska file; frames are (ticks, content) of stream 1, a cluster each, further elements in front."""
    head = ebml("1a45dfa3", ebml("4282", b"matroska"), unsigned("4287", 4), unsigned("4285", 2))
    clusters = b"".join(
        ebml("1f43b675", unsigned("e7", at), ebml("a3", b"\x81\0\0\x80", content)) for at, content in frames
    )
    about = ebml("1549a966", unsigned("2ad7b1", tick_ns), info)
    return head + ebml("18538067", about, ebml("1654ae6b", *tracks), *more, clusters)


def box(kind: bytes, *body: bytes) -> bytes:
    """Returns a box of an mp4 (ISO/IEC 14496-12, 4.2)."""
    content = b"".join(body)
    return struct.pack(">I", len(content) + 8) + kind + content


def inside(content: bytes, path: Sequence[bytes], change: Callable[[bytes], bytes]) -> bytes:
    """Returns an mp4 in which the content of each box at a path is another; a `meta`-like offset is not handled."""
    made, at = [], 0
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + length]
        if kind == path[0]:
            body = inside(body, path[1:], change) if len(path) > 1 else change(body)
        made.append(box(kind, body))
        at += length
    return b"".join(made)


def chunk(kind: bytes, *body: bytes) -> bytes:
    """Returns a chunk of a RIFF file, padded."""
    content = b"".join(body)
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def avi(frames: Sequence[bytes], subtitles: bytes | None = None, rate: tuple[int, int] = (10, 1)) -> bytes:
    """Returns an AVI of JPEG pictures of 64x48, with a stream of subtitles of one piece."""
    picture = struct.pack("<IiiHHIIiiII", 40, 64, 48, 1, 24, 0x47504A4D, 9216, 0, 0, 0, 0)
    texts = [] if subtitles is None else [_stream(b"txts", (1, 1), 1, b"")]
    head = struct.pack("<14I", 100000, 0, 0, 0x10, len(frames), 0, 1 + len(texts), 0, 64, 48, 0, 0, 0, 0)
    streams = [_stream(b"vids", rate, len(frames), picture), *texts]
    told = [] if subtitles is None else [chunk(b"01tx", subtitles)]
    movie = chunk(b"LIST", b"movi", *told, *(chunk(b"00dc", frame) for frame in frames))
    return chunk(b"RIFF", b"AVI ", chunk(b"LIST", b"hdrl", chunk(b"avih", head), *streams), movie)


def _stream(kind: bytes, rate: tuple[int, int], length: int, form: bytes) -> bytes:
    codec = b"MJPG" if kind == b"vids" else b"\0\0\0\0"
    head = struct.pack("<4s4sIIIIIIIIiI4h", kind, codec, 0, 0, 0, rate[1], rate[0], 0, length, 0, -1, 0, 0, 0, 64, 48)
    return chunk(b"LIST", b"strl", chunk(b"strh", head), chunk(b"strf", form))


def jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, "JPEG")
    return file.getvalue()


def png(width: int, height: int, *between: bytes, rows: int | None = None) -> bytes:
    """Returns a black-and-white PNG, of as many rows as it says unless told, with further chunks in front of them."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 7) // 8 + 1) * (height if rows is None else rows), 9)
    made = [png_chunk(b"IHDR", header), *between, png_chunk(b"IDAT", pixels), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


class BITS(str):
    """Bits of an H.264 header, as text of zeros and ones."""

    def golomb(self, *values: int) -> BITS:
        """Appends unsigned Exp-Golomb numbers (ITU-T H.264, 9.1)."""
        coded = (f"{value + 1:b}" for value in values)
        return BITS(self + "".join("0" * (len(code) - 1) + code for code in coded))

    def bytes(self) -> bytes:
        whole = self + "1"
        whole += "0" * (-len(whole) % 8)
        return int(whole, 2).to_bytes(len(whole) // 8, "big")


def sps(blocks_wide: int, blocks_high: int) -> bytes:
    """Returns an H.264 sequence parameter set, baseline, for a picture of so many macroblocks (16x16 pixels)."""
    bits = BITS(f"{0x67:08b}{66:08b}{0:08b}{51:08b}").golomb(0, 0, 2, 1)
    bits = BITS(BITS(bits + "0").golomb(blocks_wide - 1, blocks_high - 1) + "1100")
    return bits.bytes()
