"""Images that name files, are larger than they look, or are none."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image

from tests.containers import jpeg, png, png_chunk
from tests.hostile_media.case import Case, Lure, text

__all__ = ["IMAGES", "image", "resized"]


def image(form: str, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (30, 200, 30)).save(file, form, **options)
    return file.getvalue()


def animated(form: str, count: int) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("L", (8, 8), number % 255) for number in range(count)]
    frames[0].save(file, form, save_all=True, append_images=frames[1:])
    return file.getvalue()


def endless_apng(_: Lure) -> bytes:
    control = png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    return png(64, 48, control, png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 0, 0, 0, 0)))


def text_bomb(_: Lure) -> bytes:
    packed = zlib.compress(bytes(64 * 2**20), 9)
    return png(64, 48, *[png_chunk(b"zTXt", b"a%d\0\0" % number + packed) for number in range(8)])


def profile_bomb(_: Lure) -> bytes:
    return png(64, 48, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 * 2**20), 9)))


def tiff(*entries: tuple[int, int, int, int], following: int = 0, data: bytes = b"") -> bytes:
    """A TIFF of one directory; entries are (tag, type, count, value)."""
    listed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + listed + struct.pack("<I", following) + data


def tiff_picture(width: int, height: int, *more: tuple[int, int, int, int], following: int = 0) -> bytes:
    fixed = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1)]
    given = {entry[0]: entry for entry in [*fixed, (259, 3, 1, 1), *more]}
    return tiff(*given.values(), following=following, data=bytes(4096))


def with_exif(payload: bytes) -> bytes:
    content = jpeg()
    segment = b"Exif\0\0" + payload
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + content[2:]


def exif_crowd() -> bytes:
    """EXIF whose directory has 5,000 entries, all of which lead to the same bytes."""
    return with_exif(tiff(*((1000 + number, 7, 60000, 8) for number in range(5000))))


def scans(_: Lure) -> bytes:
    """A progressive JPEG of 8000x8000 pixels with 20,000 layers, of which each says nothing."""
    small = image("JPEG", (64, 48), progressive=True)
    at = small.index(b"\xff\xc2")
    wide = small[: at + 5] + struct.pack(">HH", 8000, 8000) + small[at + 9 :]
    start = wide.rindex(b"\xff\xda")
    return wide[:start] + wide[start:-2] * 20000 + b"\xff\xd9"


def resized(content: bytes, marker: bytes, width: int, height: int) -> bytes:
    at = content.index(marker)
    return content[: at + 5] + struct.pack(">HH", height, width) + content[at + 9 :]


def wide_webp(_: Lure) -> bytes:
    """An animation on a canvas of 16383x16383 pixels."""
    head = struct.pack("<I", 2) + (16382).to_bytes(3, "little") * 2
    still = image("WEBP")[12:]
    frame = bytes(6) + (63).to_bytes(3, "little") + (47).to_bytes(3, "little") + b"\x64\0\0\0" + still
    chunks = b"VP8X" + struct.pack("<I", 10) + head + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    chunks += b"ANMF" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def wide_gif(width: int, height: int) -> bytes:
    content = bytearray(image("GIF"))
    content[6:10] = struct.pack("<HH", width, height)
    return bytes(content)


def wide_bmp(width: int, height: int) -> bytes:
    content = bytearray(image("BMP"))
    content[18:26] = struct.pack("<ii", width, height)
    return bytes(content)


def wide_jp2() -> bytes:
    content = image("JPEG2000")
    size = struct.pack(">II", 48, 64)
    at = content.index(b"ihdr") + 4
    assert content[at : at + 8] == size
    content = content[:at] + struct.pack(">II", 60000, 60000) + content[at + 8 :]
    return content.replace(struct.pack(">II", 64, 48), struct.pack(">II", 60000, 60000))


def wide_avif() -> bytes:
    content = image("AVIF")
    return content.replace(struct.pack(">II", 64, 48), struct.pack(">II", 60000, 60000))


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/svg"/><image href="file://{secret}"/></svg>'
MVG = "push graphic-context\nfill 'url({url}/mvg)'\nimage over 0,0 0,0 'ephemeral:{secret}'\npop graphic-context"
EPS = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({secret}) (r) file\n"
_ALL = [
    Case("SVG with pictures in it", "a.svg", text(SVG), "not_media"),
    Case("SVG named `a.png`", "a.png", text(SVG), "not_media"),
    Case("MVG named `a.jpg`", "a.jpg", text(MVG), "not_media"),
    Case("PostScript", "a.jpg", text(EPS), "not_media"),
    Case(
        "PostScript in a DOS wrapping",
        "a.jpg",
        lambda lure: b"\xc5\xd0\xd3\xc6\x1e\0\0\0" + bytes(22) + text(EPS)(lure),
        "not_media",
    ),
    Case("PDF", "a.jpg", text("%PDF-1.4\n1 0 obj<</Type/Action/S/URI/URI({url}/pdf)>>\x01"), "not_media"),
    Case(
        "PostScript behind a BMP's first bytes",
        "a.bmp",
        lambda lure: b"BM\1\1\1\1\0\0\0\0" + text(EPS)(lure),
        "corrupt_media",
    ),
    Case("PNG of 60000x60000", "a.png", lambda _: png(60000, 60000, rows=9), "media_limits"),
    Case("PNG of 9000x9000", "a.png", lambda _: png(9000, 9000), "media_limits"),
    Case("PNG with half a gigabyte of text", "a.png", text_bomb, "corrupt_media"),
    Case("PNG with a colour profile of 64 MiB", "a.png", profile_bomb, "corrupt_media"),
    Case("PNG of 2,147,483,647 frames", "a.png", endless_apng, "ok"),
    Case("GIF of 65535x65535", "a.gif", lambda _: wide_gif(65535, 65535), "media_limits"),
    Case("GIF of 3,000 frames", "a.gif", lambda _: animated("GIF", 3000), "ok"),
    Case("WebP of 16383x16383, moving", "a.webp", wide_webp, "media_limits"),
    Case("JPEG of 65500x65500", "a.jpg", lambda _: resized(image("JPEG"), b"\xff\xc0", 65500, 65500), "media_limits"),
    Case("JPEG of 20,000 layers", "a.jpg", scans, "media_limits"),
    Case("BMP of 2147483647x-2147483647", "a.bmp", lambda _: wide_bmp(2**31 - 1, -(2**31) + 1), "media_limits"),
    Case("JPEG 2000 of 60000x60000", "a.jp2", lambda _: wide_jp2(), "media_limits"),
    Case("AVIF of 60000x60000", "a.avif", lambda _: wide_avif(), "corrupt_media"),
    Case(
        "TIFF of 60000x60000",
        "a.tif",
        lambda _: tiff_picture(60000, 60000, (273, 4, 1, 200), (279, 4, 1, 9)),
        "media_limits",
    ),
    Case(
        "TIFF of one tile of 65520x65520",
        "a.tif",
        lambda _: tiff_picture(
            64, 48, (322, 4, 1, 65520), (323, 4, 1, 65520), (324, 4, 1, 200), (325, 4, 1, 4096), (259, 3, 1, 8)
        ),
        "corrupt_media",
    ),
    Case(
        "TIFF of 4,294,967,295 strips",
        "a.tif",
        lambda _: tiff_picture(64, 48, (273, 4, 2**32 - 1, 8), (279, 4, 2**32 - 1, 8)),
        "corrupt_media",
    ),
    Case(
        "TIFF whose next directory is its first",
        "a.tif",
        lambda _: tiff_picture(16, 16, (273, 4, 1, 200), (279, 4, 1, 256), (278, 4, 1, 16), following=8),
        "ok",
    ),
    Case(
        "JPEG whose EXIF leads back to itself",
        "a.jpg",
        lambda _: with_exif(tiff((0x8769, 4, 1, 8), (0x0112, 3, 1, 1), following=8)),
        "ok",
    ),
    Case(
        "JPEG whose EXIF counts 4,294,967,295 letters",
        "a.jpg",
        lambda _: with_exif(tiff((0x0112, 2, 2**32 - 1, 8))),
        "ok",
    ),
    Case("JPEG whose EXIF reads the same 60,000 bytes 5,000 times", "a.jpg", lambda _: exif_crowd(), "ok"),
]
IMAGES = [case._replace(look="not_media") for case in _ALL]
