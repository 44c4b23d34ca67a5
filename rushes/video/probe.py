"""What a video file is: one ffprobe process, its answer checked and turned into sizes as shown upright."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from rushes.errors import CorruptMediaError, MediaError, NotMediaError, StorageError, UnsupportedFormatError
from rushes.records import MediaInfo
from rushes.sniff import Sniffed
from rushes.video.binaries import decodes, find
from rushes.video.colour import Colours
from rushes.video.ffprobe import query, sniff_video
from rushes.video.limits import check_repeated, check_size
from rushes.video.timeline import Packet, in_order
from rushes.video.timing import Timing, clock, measure, ratio

__all__ = ["Probed", "examine", "get_video_info", "probe", "validate_video_format"]

WHOLE_BYTES = 64 * 1024 * 1024
"""Up to this size every packet is read: it costs less than a decoded second, and says what is really there."""
HEAD_PACKETS = 1200
_FIELDS = frozenset({"tt", "bb", "tb", "bt"})
_INDEXED = frozenset({"mov", "matroska"})


class Probed(msgspec.Struct, frozen=True):
    """A probe's answer, and what only the transcoder needs to know.

    Attributes:
        info: What the records keep.
        time_base: The stream's tick in seconds, like `1/30000`.
        interlaced: Whether the frames are pairs of fields.
        colours: What its numbers stand for.
        audio_decodable: Whether the ffmpeg at hand can decode the sound.
        profile: ffprobe's name of the video's profile.
        level: Of the video, as its codec counts them; 0 where unknown.
        pixel_format: ffmpeg's name of it; `yuvj420p` where the range is that of pictures.
        square: Whether pixels are.
        audio_channels: Of the first sound stream.
        audio_bits_per_s: Likewise, where stated, else 0.
        listed_frames: How many frames the container lists, where it does.
        start_s: What a frame's time counts from, in the container's seconds.
        others: Kinds of the streams beside the first picture and the first sound, and `chapters`.
        seekable: Whether ffmpeg finds the key frame before a time; where there is no index of them it guesses a place,
            and what needs an earlier key frame is lost.
        early_s: How long the first frame comes before what the container calls its beginning, where ffmpeg cuts.
    """

    info: MediaInfo
    time_base: str
    interlaced: bool = False
    colours: Colours = Colours()
    audio_decodable: bool = False
    profile: str = ""
    level: int = 0
    pixel_format: str = ""
    square: bool = True
    audio_channels: int = 0
    audio_bits_per_s: int = 0
    listed_frames: int | None = None
    start_s: float = 0.0
    others: tuple[str, ...] = ()
    seekable: bool = True
    early_s: float = 0.0


class _Disposition(msgspec.Struct, frozen=True):
    attached_pic: int = 0


class _SideData(msgspec.Struct, frozen=True):
    rotation: float | None = None


class _Stream(msgspec.Struct, frozen=True):
    index: int
    codec_type: str = ""
    codec_name: str | None = None
    width: int = 0
    height: int = 0
    sample_aspect_ratio: str = "1:1"
    time_base: str = "1/1"
    avg_frame_rate: str = "0/0"
    duration: float | None = None
    nb_frames: int | None = None
    profile: str = ""
    level: int = 0
    pix_fmt: str = ""
    color_range: str = ""
    channels: int = 0
    bit_rate: int = 0
    field_order: str = ""
    color_transfer: str = ""
    color_primaries: str = ""
    color_space: str = ""
    disposition: _Disposition = _Disposition()
    side_data_list: list[_SideData] = msgspec.field(default_factory=list)
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class _Format(msgspec.Struct, frozen=True):
    duration: float | None = None
    start_time: float | None = None


class _Answer(msgspec.Struct, frozen=True):
    streams: list[_Stream] = msgspec.field(default_factory=list)
    format: _Format = _Format()
    packets: list[Packet] = msgspec.field(default_factory=list)
    chapters: list[dict[str, Any]] = msgspec.field(default_factory=list)


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
    entries = [
        "-show_streams",
        "-show_format",
        "-show_chapters",
        "-show_entries",
        "packet=stream_index,pts,dts,duration,flags",
    ]
    answer = query(path, sniffed, entries if whole else [*entries, "-read_intervals", f"%+#{HEAD_PACKETS}"], _Answer)
    video = _video_stream(path, sniffed, answer.streams)
    audio = next((stream for stream in answer.streams if stream.codec_type == "audio"), None)
    packets = [packet for packet in answer.packets if packet.stream_index == video.index]
    timing = measure(
        packets,
        whole=whole,
        tick_s=ratio(video.time_base),
        stated_fps=ratio(video.avg_frame_rate),
        stated_frames=video.nb_frames,
        stated_s=_stated_duration(video, answer.format),
    )
    # AVI counts the frames that it leaves out, too; only mp4's table lists what must be there.
    listed = video.nb_frames if whole and sniffed.demuxers == "mov" else None
    # The head of a long file may be cut away by its edit list.
    _check_there(path, [packet for packet in packets if packet.shown] if whole else packets, packets, listed)
    check_repeated(path, len(packets), listed)
    early_s = _early(packets, video, answer.format) if sniffed.demuxers == "mov" else 0.0
    return Probed(
        info=_info(path, sniffed, video, audio, timing),
        time_base=video.time_base,
        interlaced=video.field_order in _FIELDS,
        colours=Colours.of(video.color_transfer, video.color_primaries, video.color_space),
        audio_decodable=audio is not None and decodes(find("ffmpeg"), audio.codec_name),
        profile=video.profile,
        level=video.level,
        pixel_format="yuvj420p" if video.pix_fmt == "yuv420p" and video.color_range == "pc" else video.pix_fmt,
        square=(ratio(video.sample_aspect_ratio) or 1) == 1,
        audio_channels=audio.channels if audio else 0,
        audio_bits_per_s=audio.bit_rate if audio else 0,
        listed_frames=video.nb_frames,
        others=_others(answer, video, audio),
        seekable=sniffed.demuxers in _INDEXED,
        early_s=early_s,
        start_s=max(0.0, answer.format.start_time or 0.0) - early_s,
    )


def _early(packets: list[Packet], video: _Stream, container: _Format) -> float:
    """An edit list that begins where no key frame is makes ffmpeg count time from one of the frames after the first."""
    frames, stamped = in_order(packets)
    if not frames or not stamped or container.start_time is None:
        return 0.0
    return max(0.0, round(container.start_time - float(frames[0][0] * ratio(video.time_base)), 6))


def _others(answer: _Answer, video: _Stream, audio: _Stream | None) -> tuple[str, ...]:
    used = {video.index, audio.index if audio else None}
    kinds = {stream.codec_type or "unknown" for stream in answer.streams if stream.index not in used}
    return tuple(sorted(kinds | ({"chapters"} if answer.chapters else set())))


def _video_stream(path: Path, sniffed: Sniffed, streams: list[_Stream]) -> _Stream:
    moving = (s for s in streams if s.codec_type == "video" and not s.disposition.attached_pic)
    video = next(moving, None)
    if video is None:
        kinds = ", ".join(sorted({stream.codec_type or "unknown" for stream in streams})) or "no"
        raise NotMediaError(
            f"{path.name}: {sniffed.media_type} without a video stream (only {kinds} streams). Leave it out."
        )
    codec = video.codec_name
    if not decodes(find("ffmpeg"), codec):
        raise UnsupportedFormatError(
            f"{path.name}: {sniffed.media_type} with {codec or 'unknown'} video, which the ffmpeg at hand "
            "cannot decode. Name a fuller ffmpeg in RUSHES_FFMPEG and RUSHES_FFPROBE."
        )
    if video.width <= 0 or video.height <= 0:
        raise CorruptMediaError(
            f"{path.name}: {codec} video without a picture size; its first frame is missing, or too large to be read."
        )
    check_size(path, video.width, video.height)
    return video


def _check_there(path: Path, shown: list[Packet], packets: list[Packet], listed: int | None) -> None:
    if not shown:
        raise CorruptMediaError(f"{path.name}: no video frame inside. Fetch it again, or leave it out.")
    if listed is not None and len(packets) < listed:
        raise CorruptMediaError(
            f"{path.name}: the container lists {listed} frames, and {len(packets)} are there. "
            "It is cut off: fetch it again, or leave it out."
        )


def _info(path: Path, sniffed: Sniffed, video: _Stream, audio: _Stream | None, timing: Timing) -> MediaInfo:
    rotation = _rotation(path, video)
    width, height = max(1, round(video.width * (ratio(video.sample_aspect_ratio) or 1))), video.height
    check_size(path, width, height)
    if rotation in (90, 270):
        width, height = height, width
    return MediaInfo(
        media_type=sniffed.media_type,
        width=width,
        height=height,
        rotation=rotation,
        duration_s=timing.duration_s,
        fps=timing.fps,
        frames=timing.frames,
        video_codec=video.codec_name,
        audio_codec=audio.codec_name if audio else None,
        vfr=timing.vfr,
    )


def _stated_duration(video: _Stream, container: _Format) -> float | None:
    stated = video.duration if video.duration is not None else clock(video.tags.get("DURATION", ""))
    return container.duration if stated is None else stated


def _rotation(path: Path, video: _Stream) -> int:
    """Returns degrees clockwise; ffprobe counts the other way."""
    stated = next((data.rotation for data in video.side_data_list if data.rotation is not None), 0.0)
    turned = round(-stated) % 360
    if turned % 90:
        raise UnsupportedFormatError(
            f"{path.name}: the picture is to be turned by {turned} degrees; only quarter turns can be made upright."
        )
    return turned


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
