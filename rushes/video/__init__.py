"""Video: probing, transcoding and frames, all by ffmpeg and ffprobe in processes of their own."""

from rushes.errors import FFmpegNotFoundError, TranscodingFailedError, UnsupportedFormatError, VideoTranscodeError
from rushes.video.config import TranscodeConfig
from rushes.video.convert import optimize_for_web, transcode_video
from rushes.video.probe import get_video_info, validate_video_format

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
