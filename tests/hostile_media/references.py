"""Videos that say that a part of them lies elsewhere."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.containers import avi, box, ebml, inside, jpeg, mkv, unsigned
from tests.hostile_media.case import FRAMES, SMALL, Case, Lure, clip, text
from tests.hostile_media.playlists import behind, concat, dash, hls, sdp

__all__ = ["REFERENCES"]


def gab2(content: Callable[[Lure], bytes]) -> Callable[[Lure], bytes]:
    """An AVI whose subtitles are a file of their own kind, which ffmpeg's AVI demuxer opens by content."""

    def make(lure: Lure) -> bytes:
        inner = content(lure)
        told = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(inner)) + inner
        return avi([jpeg()] * 5, told)

    return make


def with_reference(kind: bytes, form: str) -> Callable[[Lure], bytes]:
    """An mp4 that says that its media lie elsewhere."""

    def make(lure: Lure) -> bytes:
        place = text(form)(lure)
        entry = box(kind, bytes(4), alias(place) if kind == b"alis" else place + b"\0")
        listed = struct.pack(">II", 0, 1) + entry
        path = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
        return inside(clip(".mp4"), path, lambda _: listed)

    return make


def alias(path: bytes) -> bytes:
    """An Apple alias record: a volume, a name, and at the end the whole path."""
    name = path.rpartition(b"/")[2][:63]
    head = struct.pack(">4sHHH", bytes(4), 150, 2, 0) + b"\x01/".ljust(28, b"\0") + bytes(12)
    middle = bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 9, 9) + bytes(16)
    return head + middle + struct.pack(">hH", 2, len(path)) + path + b"\0" * (len(path) % 2) + struct.pack(">hH", -1, 0)


def movie_reference(lure: Lure) -> bytes:
    places = (f"{lure.url}/rdrf".encode(), f"file://{lure.secret}".encode())
    kinds = (box(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(place) + 1), place, b"\0") for place in places)
    movies = box(b"moov", box(b"rmra", *(box(b"rmda", kind) for kind in kinds)))
    return box(b"ftyp", b"qt  ", bytes(4), b"qt  ") + movies


def linked(lure: Lure) -> bytes:
    """A Matroska whose first and last parts are other files, by name, by id and by ordered chapters."""
    neighbours = ebml("3c83ab", lure.secret.encode()) + ebml("3e83bb", f"{lure.url}/next".encode())
    ids = ebml("3cb923", b"\1" * 16) + ebml("3eb923", b"\2" * 16)
    atom = ebml("b6", unsigned("73c4", 1), unsigned("91", 0), unsigned("92", 10**9), ebml("6e67", b"\2" * 16))
    return mkv([SMALL], FRAMES, ebml("1043a770", ebml("45b9", unsigned("45dd", 1), atom)), info=neighbours + ids)


def attached(lure: Lure) -> bytes:
    """A Matroska with a playlist as an attachment whose name leads out, and with tags that name files."""
    name = ebml("466e", f"../../..{lure.secret}".encode())
    file = ebml("61a7", name, ebml("4660", b"application/x-mpegurl"), ebml("465c", hls(lure)), unsigned("46ae", 1))
    tag = ebml("67c8", ebml("45a3", b"URL"), ebml("4487", f"{lure.url}/tag".encode()))
    return mkv([SMALL], FRAMES, ebml("1941a469", file), ebml("1254c367", ebml("7373", tag)))


def with_subtitles(form: str, codec: str) -> Callable[[Lure], bytes]:
    """A Matroska with subtitles that name files."""

    def make(lure: Lure) -> bytes:
        told = text(form)(lure)
        subtitle = ebml(
            "ae",
            unsigned("d7", 2),
            unsigned("73c5", 2),
            unsigned("83", 17),
            ebml("86", codec.encode()),
            ebml("63a2", told),
        )
        shown = ebml("1f43b675", unsigned("e7", 0), ebml("a0", ebml("a1", b"\x82\0\0\0" + told), unsigned("9b", 200)))
        return mkv([SMALL, subtitle], FRAMES) + shown

    return make


def script_command(lure: Lure) -> bytes:
    """An ASF that tells its player to open an address."""
    content = clip(".wmv", "-c:v", "wmv2")
    guid = bytes.fromhex("301afb1e620bd011a39b00a0c90348f6")
    address = f"{lure.url}/asf".encode("utf-16-le")
    kind = "URL".encode("utf-16-le")
    body = bytes(16) + struct.pack("<HHH", 1, 1, 3) + kind + struct.pack("<IHH", 0, 0, len(address) // 2) + address
    added = guid + struct.pack("<Q", len(body) + 24) + body
    size, count = struct.unpack_from("<QI", content, 16)
    return content[:16] + struct.pack("<QI", size + len(added), count + 1) + content[28:30] + added + content[30:]


ASS = (
    "[Script Info]\n[Fonts]\nfontname: {secret}\n[Events]\nDialogue: 0,0:00:00.00,0:00:09.00,,{\\fn{secret}\\p1}m 0 0\n"
)
REFERENCES = [
    Case("AVI with HLS as its subtitles", "a.avi", gab2(hls), "ok"),
    Case("the same, named `.mp4`", "a.mp4", gab2(hls), "ok"),
    Case(
        "AVI with HLS behind a byte order mark as its subtitles",
        "a.avi",
        gab2(behind(b"\xef\xbb\xbf")),
        "ok",
    ),
    Case("AVI with ffconcat as its subtitles", "a.avi", gab2(concat), "ok"),
    Case("AVI with DASH as its subtitles", "a.avi", gab2(dash), "ok"),
    Case("AVI with SDP as its subtitles", "a.avi", gab2(sdp), "ok"),
    Case(
        "AVI with a list of subtitles' files as its subtitles",
        "a.avi",
        gab2(text("# VobSub index file, v7\nid: en, index: 0\n{secret}")),
        "ok",
    ),
    Case("AVI with ASS as its subtitles", "a.avi", gab2(text(ASS)), "ok"),
    Case("mp4 with media at a file", "a.mp4", with_reference(b"url ", "file://{secret}"), "ok"),
    Case("mp4 with media at an address", "a.mp4", with_reference(b"url ", "{url}/dref"), "ok"),
    Case("mp4 with media at a name", "a.mp4", with_reference(b"urn ", "{url}/urn"), "ok"),
    Case("mov with media at an alias", "a.mov", with_reference(b"alis", "{secret}"), "corrupt_media"),
    Case(
        "mov with media at an alias below it",
        "a.mov",
        with_reference(b"alis", "../../../../../..{secret}"),
        "corrupt_media",
    ),
    Case("mov that is a reference to movies", "a.mov", movie_reference, "not_media"),
    Case("Matroska with its parts in other files", "a.mkv", linked, "ok"),
    Case("Matroska with a playlist attached", "a.mkv", attached, "ok"),
    Case("Matroska with ASS that names a font's file", "a.mkv", with_subtitles(ASS, "S_TEXT/ASS"), "ok"),
    Case(
        "Matroska with SRT that names files",
        "a.mkv",
        with_subtitles('<font face="{secret}"><img src="{url}/srt">', "S_TEXT/UTF8"),
        "ok",
    ),
    Case(
        "Matroska with WebVTT that names files",
        "a.mkv",
        with_subtitles("STYLE\n::cue{background:url({url}/vtt)}", "S_TEXT/WEBVTT"),
        "ok",
    ),
    Case("ASF with a command to open an address", "a.wmv", script_command, "ok"),
]
