"""Video: probing, transcoding and frames, all by ffmpeg, ffprobe and libav in processes of their own."""

from rushes.errors import FFmpegNotFoundError, TranscodingFailedError, UnsupportedFormatError, VideoTranscodeError
from rushes.video.config import TranscodeConfig
from rushes.video.convert import optimize_for_web, transcode_video
from rushes.video.pool import many_files
from rushes.video.probe import get_video_info, validate_video_format

__all__ = [
    "FFmpegNotFoundError",
    "TranscodeConfig",
    "TranscodingFailedError",
    "UnsupportedFormatError",
    "VideoTranscodeError",
    "get_video_info",
    "many_files",
    "optimize_for_web",
    "transcode_video",
    "validate_video_format",
]
