"""Playlists, lists and scripts, for which ffmpeg reads other files and asks servers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.hostile_media.case import Case, Lure, text

__all__ = ["PLAYLISTS", "behind", "concat", "dash", "hls", "sdp"]


def hls(lure: Lure, scheme: str = "file:", head: str = "#EXTM3U\n") -> bytes:
    middle = "#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\n"
    return f"{head}{middle}{scheme}{lure.secret}\n#EXTINF:1.0,\n{lure.url}/hls.ts\n#EXT-X-ENDLIST\n".encode()


def hls_key(lure: Lure) -> bytes:
    lines = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n"
        f'#EXT-X-KEY:METHOD=AES-128,URI="{lure.url}/key",IV=0x00000000000000000000000000000000\n'
        f'#EXT-X-MAP:URI="file:{lure.secret}"\n#EXTINF:1,\nfile:{lure.secret}\n#EXT-X-ENDLIST\n'
    )
    return lines.encode()


def hls_master(lure: Lure) -> bytes:
    media = f'#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="s",DEFAULT=YES,URI="file:{lure.secret}"\n'
    return f'#EXTM3U\n{media}#EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES="s"\n{lure.url}/variant.m3u8\n'.encode()


def concat(lure: Lure) -> bytes:
    return f"ffconcat version 1.0\nfile 'file:{lure.secret}'\nfile '{lure.url}/concat.ts'\n".encode()


def dash(lure: Lure) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        f'mediaPresentationDuration="PT1S"><Period><BaseURL>{lure.url}/</BaseURL><AdaptationSet mimeType="video/mp4">'
        f'<Representation id="1" bandwidth="1"><BaseURL>file:{lure.secret}</BaseURL><SegmentBase/></Representation>'
        "</AdaptationSet></Period></MPD>"
    ).encode()


def imf(lure: Lure) -> bytes:
    return (
        '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><SegmentList>'
        f"<Segment><TrackFileId>{lure.url}</TrackFileId><Path>{lure.secret}</Path></Segment></SegmentList>"
        "</CompositionPlaylist>"
    ).encode()


def sdp(lure: Lure) -> bytes:
    port = lure.url.rpartition(":")[2]
    return f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video {port} RTP/AVP 96\r\n".encode()


def behind(magic: bytes) -> Callable[[Lure], bytes]:
    """A playlist behind the first bytes of a video."""
    return lambda lure: magic + hls(lure)


def synced(lure: Lure) -> bytes:
    """A playlist that has a transport stream's sync byte, a letter, every 188 bytes, and a NUL, which no text has."""
    content = b"#EXTM3U\n#\0"
    for line in hls(lure, head="").splitlines():
        content += b"G" * ((181 - len(content)) % 188) + b"\n" + line + b"\n#"
    return content + b"G" * 1000


PLAYLISTS = [
    *(
        Case(f"HLS named `{name}`", name, hls, "not_media")
        for name in ("a.mp4", "a.avi", "a.mkv", "a.ts", "a.m3u8", "a.jpg", "a%03d.png")
    ),
    Case("HLS behind a byte order mark", "a.mp4", lambda lure: b"\xef\xbb\xbf" + hls(lure), "not_media"),
    Case("HLS in UTF-16", "a.mp4", lambda lure: hls(lure).decode().encode("utf-16"), "not_media"),
    Case("HLS behind 5,000 blank lines", "a.mp4", lambda lure: b"\n" * 5000 + hls(lure), "not_media"),
    Case("HLS behind NULs", "a.mp4", behind(bytes(64)), "not_media"),
    Case("HLS behind noise", "a.avi", behind(b"\x01\x02\xfe\xff" * 9), "not_media"),
    Case("HLS behind an mp4's first bytes", "a.mp4", behind(b"\0\0\0\x14ftypisom\0\0\2\0isom"), "corrupt_media"),
    Case("HLS behind a Matroska's first bytes", "a.mkv", behind(bytes.fromhex("1a45dfa3")), "corrupt_media"),
    Case("HLS behind an AVI's first bytes", "a.avi", behind(b"RIFF\0\1\0\0AVI LIST"), "not_media"),
    Case("HLS behind an FLV's first bytes", "a.flv", behind(b"FLV\1\5\0\0\0\x09\0\0\0\0"), "corrupt_media"),
    Case("HLS behind an ASF's first bytes", "a.wmv", behind(bytes.fromhex("3026b2758e66cf11")), "corrupt_media"),
    Case("HLS behind an Ogg's first bytes", "a.ogv", behind(b"OggS\0"), "corrupt_media"),
    Case("HLS behind an MPEG's first bytes", "a.mpg", behind(b"\0\0\1\xba"), "corrupt_media"),
    Case("HLS behind a PNG's first bytes", "a.png", behind(b"\x89PNG\r\n\x1a\n"), "corrupt_media", look="not_media"),
    Case("HLS with a transport stream's sync bytes", "a.ts", synced, "corrupt_media"),
    *(
        Case(f"HLS of `{scheme}`", "a.mp4", partial(hls, scheme=scheme), "not_media")
        for scheme in (
            "data:text/plain,",
            "crypto:",
            "crypto+file:",
            "concat:",
            "concatf:",
            "subfile,,start,0,end,9,,:",
            "async:",
            "cache:",
            "md5:",
            "tee:",
            "pipe:",
            "fd:",
            "unix:",
            "gopher://127.0.0.1/",
        )
    ),
    Case("HLS with a key and a map", "a.mp4", hls_key, "not_media"),
    Case("HLS of variants, with subtitles", "a.mp4", hls_master, "not_media"),
    Case("ffconcat", "a.mp4", concat, "not_media"),
    Case("ffconcat named `a.jpg`", "a.jpg", concat, "not_media"),
    Case("DASH", "a.mp4", dash, "not_media"),
    Case("an IMF composition", "a.xml", imf, "not_media"),
    Case("SDP", "a.sdp", sdp, "not_media"),
    Case("an RTSP address", "a.mov", text("RTSPtext\nrtsp://{host}/a\n"), "not_media"),
    Case("a playlist for QuickTime", "a.mov", text("SMILtext\n<smil><video src='{url}/a'/></smil>"), "not_media"),
    Case("a reference for ASF", "a.asf", text("[Reference]\nRef1={url}/a\nRef2=file:{secret}\n"), "not_media"),
    Case(
        "a playlist for Windows",
        "a.asx",
        text('<ASX version="3"><Entry><Ref href="{url}/a"/></Entry></ASX>'),
        "not_media",
    ),
    Case("PLS", "a.pls", text("[playlist]\nFile1=file:{secret}\nFile2={url}/a\nNumberOfEntries=2\n"), "not_media"),
    Case("XSPF", "a.xspf", text("<playlist><track><location>{url}/a</location></track></playlist>"), "not_media"),
    Case("an AviSynth script", "a.avs", text('Import("{secret}")\nAviSource("{url}/a")\n'), "not_media"),
    Case("a VapourSynth script", "a.vpy", text("open('{secret}').read()\n"), "not_media"),
    Case("a graph of filters", "a.mp4", text("movie=filename={secret}:format_name=data[out0]"), "not_media"),
    Case("ffmetadata", "a.mp4", text(";FFMETADATA1\ntitle={secret}\n"), "not_media"),
    Case("an XML entity", "a.mp4", text('<!DOCTYPE a [<!ENTITY b SYSTEM "file://{secret}">]><a>&b;</a>'), "not_media"),
]
