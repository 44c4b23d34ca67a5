"""`rushes.video`, in another spelling."""

from rushes.video import (
    FFmpegNotFoundError,
    TranscodeConfig,
    TranscodingFailedError,
    UnsupportedFormatError,
    VideoTranscodeError,
    get_video_info,
    optimize_for_web,
    transcode_video,
    validate_video_format,
)

__all__ = [
    "FFmpegNotFoundError",
    "TranscodeConfig",
    "TranscodingFailedError",
    "UnsupportedFormatError",
    "VideoTranscodeError",
    "get_video_info",
    "optimize_for_web",
    "transcode_video",
    "validate_video_format",
]
