"""Asks ffprobe one question about one file, safely: only a file, and only with the demuxer that its content names."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from rushes.errors import CorruptMediaError, NotMediaError
from rushes.sniff import Sniffed, looks_like, sniff
from rushes.video.answer import Answer
from rushes.video.binaries import find
from rushes.video.limits import MAX_PIXELS
from rushes.video.process import run

__all__ = ["ask", "query", "sniff_video"]

T = TypeVar("T")
TIMEOUT_S = 120.0
_SHOW = ["-show_streams", "-show_format", "-show_chapters", "-show_entries", "packet=stream_index,pts,dts,flags"]


def sniff_video(path: Path) -> Sniffed:
    """Returns what a file is, if it is a video container.

    Raises:
        NotMediaError: It is something else; the message says what.
        StorageError: It cannot be read.
    """
    sniffed = sniff(path)
    if sniffed.kind != "video":
        raise NotMediaError(f"{path.name}: expected a video, found {looks_like(sniffed)}. Check what the URL serves.")
    return sniffed


def ask(path: Path, sniffed: Sniffed, most: int | None) -> Answer:
    """Returns ffprobe's answer about a file and its packets, all of them or so many.

    Raises:
        The errors of `query`.
    """
    return query(path, sniffed, _SHOW if most is None else [*_SHOW, "-read_intervals", f"%+#{most}"], Answer)


def _guards(sniffed: Sniffed) -> list[str]:
    """Returns the input options that keep ffprobe to one file, one demuxer and pictures of a sane size."""
    return [
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        sniffed.demuxers or "",
        # Named as well, because a file name like `100%d.png` outweighs the content when ffmpeg chooses for itself.
        "-f",
        sniffed.demuxers or "",
        "-max_pixels",
        str(MAX_PIXELS),
    ]


def query(path: Path, sniffed: Sniffed, show: list[str], kind: type[T], timeout_s: float = TIMEOUT_S) -> T:
    """Returns ffprobe's answer about a file.

    Args:
        path: A video file.
        sniffed: What it is.
        show: ffprobe's options that say what to print.
        kind: The struct to decode the answer into.
        timeout_s: How long it may take.

    Raises:
        CorruptMediaError: ffprobe cannot open it.
        MediaLimitsError: There is more to say of it than any video gives reason for.
        FFmpegNotFoundError: There is no ffprobe.
    """
    # A path that begins with a dash or holds a colon is an option or a protocol to ffprobe; this one is neither.
    source = f"file:{path.absolute()}"
    argv = [str(find("ffprobe")), "-v", "error", "-of", "json=compact=1", *_guards(sniffed), *show, source]
    done = run(argv, timeout_s=timeout_s)
    if done.code != 0:
        raise CorruptMediaError(
            f"{path.name}: {sniffed.media_type} that cannot be opened: {done.last_words(path)}. "
            "It is damaged or incomplete: fetch it again, or leave it out."
        )
    try:
        return msgspec.json.decode(done.output, type=kind, strict=False)
    except msgspec.DecodeError:
        pass
    # ffprobe copies tags as they are, and some are no UTF-8.
    return msgspec.json.decode(done.output.decode("utf-8", "replace"), type=kind, strict=False)
