"""What a file is, from its first bytes and never from its name or from what a server said.

The answer also carries the ffmpeg demuxers that may open the file. Text is never video, so playlists (HLS, DASH,
ffconcat), with which ffmpeg reads other files and hosts, do not reach a demuxer under any name.
"""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Literal

import msgspec

from rushes.compression import DAMAGED_STREAM, OPENERS
from rushes.errors import StorageError

__all__ = ["ARCHIVE_SUFFIXES", "Sniffed", "looks_like", "sniff"]

HEAD_BYTES = 4096
"""Enough for five packets of a transport stream, and for the signature of everything else."""


class Sniffed(msgspec.Struct, frozen=True):
    """What the first bytes of a file say.

    Attributes:
        kind: Which probe should look at it, or `archive` for what may hold media; None for what no dataset holds.
        media_type: Like `video/mp4`; `application/octet-stream` where nothing is recognised.
        suffix: File name suffix that fits the content, with its dot.
        demuxers: Value for ffmpeg's `-format_whitelist` and `-f`; None unless `kind` is video.
    """

    kind: Literal["image", "video", "archive"] | None
    media_type: str
    suffix: str
    demuxers: str | None = None


UNKNOWN = Sniffed(None, "application/octet-stream", ".bin")
EMPTY = Sniffed(None, "application/x-empty", ".bin")
HTML = Sniffed(None, "text/html", ".html")
TEXT = Sniffed(None, "text/plain", ".txt")
TAR = Sniffed("archive", "application/x-tar", ".tar")
TRANSPORT_STREAM = Sniffed("video", "video/mp2t", ".ts", "mpegts")

# Signatures as in libmagic and the WHATWG MIME Sniffing Standard; a dot stands for any byte.
_SIGNATURES: tuple[tuple[bytes, Sniffed], ...] = (
    (rb"\xff\xd8\xff", Sniffed("image", "image/jpeg", ".jpg")),
    (rb"\x89PNG\r\n\x1a\n", Sniffed("image", "image/png", ".png")),
    (rb"GIF8[79]a", Sniffed("image", "image/gif", ".gif")),
    (rb"RIFF....WEBP", Sniffed("image", "image/webp", ".webp")),
    (rb"BM....\0\0\0\0", Sniffed("image", "image/bmp", ".bmp")),
    (rb"II\x2a\0|MM\0\x2a", Sniffed("image", "image/tiff", ".tif")),
    (rb"\0\0\0\x0cjP  \r\n\x87\n", Sniffed("image", "image/jp2", ".jp2")),
    (rb"....ftyp(?:avif|avis)", Sniffed("image", "image/avif", ".avif")),
    (rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)", Sniffed("image", "image/heic", ".heic")),
    (rb"....ftypqt  ", Sniffed("video", "video/quicktime", ".mov", "mov")),
    (rb"....ftyp3g2", Sniffed("video", "video/3gpp2", ".3g2", "mov")),
    (rb"....ftyp3g", Sniffed("video", "video/3gpp", ".3gp", "mov")),
    (rb"....(?:ftyp|styp|free|skip|moof|sidx)", Sniffed("video", "video/mp4", ".mp4", "mov")),
    (rb"....(?:moov|mdat|wide|pnot)", Sniffed("video", "video/quicktime", ".mov", "mov")),
    (rb"\x1a\x45\xdf\xa3.{0,64}webm", Sniffed("video", "video/webm", ".webm", "matroska")),
    (rb"\x1a\x45\xdf\xa3", Sniffed("video", "video/x-matroska", ".mkv", "matroska")),
    (rb"RIFF....AVI ", Sniffed("video", "video/x-msvideo", ".avi", "avi")),
    (rb"FLV\x01", Sniffed("video", "video/x-flv", ".flv", "flv")),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Sniffed("video", "video/x-ms-wmv", ".wmv", "asf")),
    (rb"OggS\0", Sniffed("video", "video/ogg", ".ogv", "ogg")),
    (rb"\0\0\x01\xba", Sniffed("video", "video/mpeg", ".mpg", "mpeg")),
    (rb"\0\0\x01\xb3", Sniffed("video", "video/mpeg", ".m2v", "mpegvideo")),
    (rb"RIFF....WAVE", Sniffed(None, "audio/wav", ".wav")),
    (rb"ID3[\x02-\x04]", Sniffed(None, "audio/mpeg", ".mp3")),
    (rb"fLaC", Sniffed(None, "audio/flac", ".flac")),
    (rb"%PDF-", Sniffed(None, "application/pdf", ".pdf")),
    (rb"PK\x03\x04|PK\x05\x06", Sniffed("archive", "application/zip", ".zip")),
    (rb"\x1f\x8b\x08", Sniffed(None, "application/gzip", ".gz")),
    (rb"BZh[1-9]\x31\x41\x59\x26\x53\x59", Sniffed(None, "application/x-bzip2", ".bz2")),
    (rb"\xfd7zXZ\0", Sniffed(None, "application/x-xz", ".xz")),
)
ARCHIVE_SUFFIXES = (".zip", ".tar", *(f".tar{suffix}" for suffix in OPENERS))
"""What the names of archives end with in the store; content, not a server, gave them these names."""
_COMPILED = tuple((re.compile(pattern, re.DOTALL), sniffed) for pattern, sniffed in _SIGNATURES)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_TAR_CHECKSUM = re.compile(rb"[0-7 ]{6,8}")
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body|title|script)\b", re.DOTALL | re.IGNORECASE)


def sniff(path: Path) -> Sniffed:
    """Returns what the first 4 KiB of a file say it is.

    Raises:
        StorageError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise StorageError(f"{path.name}: cannot be read: {error.strerror}.") from error
    if not head:
        return EMPTY
    # Before the signatures: a few of them, like BMP's, are letters that a text may begin with.
    if _is_text(head):
        return HTML if _HTML.match(head.removeprefix(b"\xef\xbb\xbf")) else TEXT
    # Likewise: a tar begins with a file's name, which may be any signature.
    if _is_tar(head):
        return TAR
    for pattern, sniffed in _COMPILED:
        if pattern.match(head):
            return _packed_tar(path, sniffed) if sniffed.suffix in OPENERS else sniffed
    return TRANSPORT_STREAM if _is_transport_stream(head) else UNKNOWN


def looks_like(sniffed: Sniffed) -> str:
    """Returns words for what was found, for a message that expected something else."""
    if sniffed is EMPTY:
        return "an empty file"
    if sniffed is UNKNOWN:
        return "content of no known type"
    return f"content that looks like {sniffed.media_type}"


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16, whose Latin letters are half zero bytes
        return True
    return _CONTROL.search(head) is None and not head.startswith(b"\xff\xd8\xff")


def _is_tar(head: bytes) -> bool:
    """Looks for a header whose checksum holds, which also tars have that are older than their magic number."""
    if not _TAR_CHECKSUM.match(head, 148):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _packed_tar(path: Path, packed: Sniffed) -> Sniffed:
    """Returns what a compressed file is: an archive where a tar is in it."""
    try:
        with OPENERS[packed.suffix](path) as stream:
            head = stream.read(tarfile.BLOCKSIZE)
    except DAMAGED_STREAM:  # who wants its content will say what is wrong with it
        return packed
    return Sniffed("archive", packed.media_type, f".tar{packed.suffix}") if _is_tar(head) else packed


def _is_transport_stream(head: bytes) -> bool:
    """Looks for sync bytes at the packet lengths of broadcast, Blu-ray and error-corrected streams."""
    for step in (188, 192, 204):
        for start in range(min(step, len(head))):
            syncs = head[start::step][:5]
            if len(syncs) >= 3 and syncs == b"\x47" * len(syncs):
                return True
    return False
