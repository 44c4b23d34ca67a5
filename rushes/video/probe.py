"""What a video file is, by its content: the questions that the rest of rushes asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import MediaError, StorageError, UnsupportedFormatError
from rushes.records import MediaInfo
from rushes.video import ffprobe, pool
from rushes.video.answer import HEAD_PACKETS, WHOLE_BYTES
from rushes.video.ffprobe import sniff_video
from rushes.video.probed import Probed, read

__all__ = ["Probed", "examine", "get_video_info", "probe", "validate_video_format"]


def probe(path: Path) -> MediaInfo:
    """Returns what a video file is, by its content.

    Raises:
        NotMediaError: It is no video: text, a web page, or sound only.
        UnsupportedFormatError: It is a video that the ffmpeg at hand cannot decode.
        CorruptMediaError: It is a video, and it is damaged.
        MediaLimitsError: Its picture is larger than anything that is filmed.
        FFmpegNotFoundError: There is no ffprobe.
        StorageError: It cannot be read.
    """
    return examine(path).info


def examine(path: Path) -> Probed:
    """Returns the same as `probe`, with what a transcode needs on top of it; raises the same."""
    sniffed = sniff_video(path)
    whole = path.stat().st_size <= WHOLE_BYTES
    most = None if whole else HEAD_PACKETS
    answer = pool.ask(path, sniffed, most) or ffprobe.ask(path, sniffed, most)
    return read(path, sniffed, answer, whole)


def validate_video_format(path: str | Path) -> bool:
    """Says whether a file is a video that can be transcoded here, by its content and whatever its name.

    Raises:
        FFmpegNotFoundError: There is no ffprobe.
    """
    try:
        probe(Path(path))
    except (MediaError, UnsupportedFormatError, StorageError):
        return False
    return True


def get_video_info(path: str | Path) -> dict[str, Any]:
    """Returns what `probe` finds as a dictionary.

    Returns:
        `duration` (seconds), `width`, `height` (pixels, upright), `video_codec`, `audio_codec` (None without sound),
        `fps`, `frames`, `rotation` (degrees clockwise), `vfr`, `media_type`.

    Raises:
        The errors of `probe`.
    """
    facts = msgspec.structs.asdict(probe(Path(path)))
    return {"duration": facts.pop("duration_s"), **facts}
