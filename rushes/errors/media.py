"""What is wrong with bytes that arrived."""

from __future__ import annotations

from rushes.errors.base import RushesError

__all__ = [
    "ArchiveError",
    "CorruptMediaError",
    "FFmpegNotFoundError",
    "MediaError",
    "MediaLimitsError",
    "NotMediaError",
    "TranscodingFailedError",
    "UnsupportedFormatError",
    "VideoTranscodeError",
]


class MediaError(RushesError):
    """The bytes are not media that a dataset can hold."""

    code = "media"
    remedy = "Follow the message."


class NotMediaError(MediaError):
    """The content is no image and no video, whatever its name says."""

    code = "not_media"
    remedy = "Look at the bytes: often an error page or a login page."
    status = "quarantined"


class CorruptMediaError(MediaError):
    """It is media, and it is damaged."""

    code = "corrupt_media"
    remedy = "Get the file anew from where it came from."
    status = "quarantined"


class MediaLimitsError(MediaError):
    """It asks for more pixels, time, memory or space than rushes gives one item."""

    code = "media_limits"
    remedy = "If it is meant, raise the key, or make the picture smaller; else leave it out."


class ArchiveError(RushesError):
    """An archive is unsafe, damaged, or larger than its limits."""

    code = "archive"
    remedy = (
        "Read what the message names. If the size is meant, raise `download.unpack`; else do not trust it, and get "
        "it anew."
    )
    status = "quarantined"


class VideoTranscodeError(RushesError):
    """Probing or transcoding a video failed."""

    code = "transcode_failed"
    remedy = "Read ffmpeg's words in the message; try the item by hand with the same fields."


class UnsupportedFormatError(VideoTranscodeError):
    """The container or the codec is one that rushes, or the ffmpeg at hand, does not take."""

    code = "unsupported_format"
    remedy = "Convert it first, or install an ffmpeg that decodes it."
    status = "quarantined"


class FFmpegNotFoundError(VideoTranscodeError):
    """Neither PATH nor the project's own dependencies bring ffmpeg and ffprobe."""

    code = "ffmpeg_not_found"
    remedy = "Install ffmpeg, or `rushes[ffmpeg]`; or set `RUSHES_FFMPEG` and `RUSHES_FFPROBE`."
    exit_code = 2


class TranscodingFailedError(VideoTranscodeError):
    """ffmpeg failed, or its output did not pass the check that follows."""

    code = "transcode_failed"
    transient = True
