"""What the answers about a video file mean: checked, and turned into sizes as shown upright."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from rushes.errors import CorruptMediaError, NotMediaError, UnsupportedFormatError
from rushes.records import MediaInfo
from rushes.sniff import Sniffed
from rushes.video.answer import Answer, Container, Packet, Stream
from rushes.video.binaries import decodes, find
from rushes.video.colour import Colours
from rushes.video.limits import check_repeated, check_size
from rushes.video.timeline import in_order
from rushes.video.timing import Timing, clock, measure, ratio

__all__ = ["Probed", "read"]

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
        profile: ffprobe's name of the video's profile, if it has one.
        level: Of the video, as its codec counts them; 0 where unknown.
        pixel_format: ffmpeg's name of it; `yuvj420p` where the range is that of pictures.
        square: Whether pixels are.
        audio_channels: Of the first sound stream.
        audio_bits_per_s: Likewise, where stated, else 0.
        listed_frames: How many frames the container lists, where it does.
        start_s: What a frame's time counts from, in the container's seconds.
        others: How many streams of each kind there are beside the first picture and the first sound; `cover art` and
            `chapters` are kinds, too.
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
    others: dict[str, int] = msgspec.field(default_factory=dict)
    seekable: bool = True
    early_s: float = 0.0


def read(path: Path, sniffed: Sniffed, answer: Answer, whole: bool) -> Probed:
    """Returns what an answer says of a video.

    Args:
        path: The file, for messages.
        sniffed: What its first bytes say.
        answer: What ffprobe or libav say.
        whole: Whether every packet was read.

    Raises:
        The errors of `rushes.video.probe.probe`.
    """
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
        profile="" if video.profile.lstrip("-").isdigit() else video.profile,
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


def _early(packets: list[Packet], video: Stream, container: Container) -> float:
    """An edit list that begins where no key frame is makes ffmpeg count time from one of the frames after the first."""
    frames, stamped = in_order(packets)
    if not frames or not stamped or container.start_time is None:
        return 0.0
    return max(0.0, round(container.start_time - float(frames[0][0] * ratio(video.time_base)), 6))


def _others(answer: Answer, video: Stream, audio: Stream | None) -> dict[str, int]:
    used = {video.index, audio.index if audio else None}
    kinds = Counter(_kind(stream) for stream in answer.streams if stream.index not in used)
    kinds.update({"chapters": len(answer.chapters)} if answer.chapters else {})
    return dict(sorted(kinds.items()))


def _kind(stream: Stream) -> str:
    return "cover art" if stream.disposition.attached_pic else stream.codec_type or "unknown"


def _video_stream(path: Path, sniffed: Sniffed, streams: list[Stream]) -> Stream:
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


def _info(path: Path, sniffed: Sniffed, video: Stream, audio: Stream | None, timing: Timing) -> MediaInfo:
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


def _stated_duration(video: Stream, container: Container) -> float | None:
    stated = video.duration if video.duration is not None else clock(video.tags.get("DURATION", ""))
    return container.duration if stated is None else stated


def _rotation(path: Path, video: Stream) -> int:
    """Returns degrees clockwise; ffprobe counts the other way."""
    stated = next((data.rotation for data in video.side_data_list if data.rotation is not None), 0.0)
    turned = round(-stated) % 360
    if turned % 90:
        raise UnsupportedFormatError(
            f"{path.name}: the picture is to be turned by {turned} degrees; only quarter turns can be made upright."
        )
    return turned
