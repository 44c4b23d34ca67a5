"""ffmpeg's command lines, built from a probe and a TranscodeConfig."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg

from rushes.sniff import sniff
from rushes.video.binaries import find
from rushes.video.colour import can_tone_map, tone_map
from rushes.video.config import TranscodeConfig
from rushes.video.limits import MAX_PIXELS
from rushes.video.probe import Probed

__all__ = [
    "Moment",
    "copy_command",
    "decode_command",
    "encode_command",
    "frames_command",
    "keyframes_command",
    "raw_frames_command",
    "stills_command",
]


class Moment(NamedTuple):
    """Where to look for a frame.

    Attributes:
        at_s: Seconds from the beginning; the frame before which can be decoded alone is found quickly.
        from_tick: Of the stream: the first frame at or after it is meant; None takes the one that was found.
    """

    at_s: float
    from_tick: int | None = None


# One thread: files run side by side instead, which is faster, and the bytes do not depend on the machine.
_ONE_THREAD = {"threads": 1}
_REPEATABLE = {"fflags": "+bitexact", "flags:v": "+bitexact", "flags:a": "+bitexact", "map_metadata": -1}


def _quiet(*, lenient: bool = False) -> list[str]:
    """Returns the global options of every ffmpeg that rushes runs: no questions, errors only, and errors are fatal."""
    strict = [] if lenient else ["-xerror"]
    return ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", *strict, "-filter_threads", "1"]


def _input_options(path: Path) -> dict[str, Any]:
    """Returns the options that keep ffmpeg to one file, one demuxer, one thread and pictures of a sane size."""
    demuxer = sniff(path).demuxers or ""
    return {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "f": demuxer,
        "max_pixels": MAX_PIXELS,
        **_ONE_THREAD,
    }


def encode_command(
    source: Path, part: Path, config: TranscodeConfig, probed: Probed, expected_s: float | None
) -> list[str]:
    """Returns the command that makes `part` of `source`, of which so many seconds are expected."""
    begin_s = max(0.0, (config.start_time or 0.0) - probed.early_s)
    seeking = begin_s > 0 and probed.seekable
    start = {"ss": begin_s} if seeking else {}
    # In a stream, old ffmpegs take a frame decoded a tenth of a second before it is shown for a jump in time.
    as_told = {"copyts": None, "start_at_zero": None} if probed.info.vfr and not probed.seekable else {}
    media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source), **start, **as_told)
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    skipped_s = 0.0 if seeking else begin_s
    options = {
        **_video_options(config, probed, skipped_s),
        **(_sound_options(config, probed, skipped_s) if probed.audio_decodable else {}),
        **({"movflags": config.movflags} if part.suffix.lower() in (".mp4", ".mov", ".m4v") else {}),
        **({"t": config.duration} if config.duration else {}),
        **({"frames:v": _most_frames(config.fps, expected_s or config.max_duration_s)} if config.fps else {}),
        **_REPEATABLE,
        "sn": None,
        "dn": None,
        "map_chapters": -1,
        "stats_period": 0.5,
    }
    made = ffmpeg.output(*streams, f"file:{part.absolute()}", **options)
    command: list[str] = made.global_args(*_quiet(), "-progress", "pipe:1").compile(
        cmd=str(find("ffmpeg")), overwrite_output=True
    )
    return command


def _most_frames(fps: float, expected_s: float) -> int:
    """Returns more frames than pass as the right length, and no more: a gap of years in the times is filled with them.

    Where every frame keeps its time there are as many as in the source, however the times lie.
    """
    return math.ceil(fps * (1.1 * expected_s + 2)) + 5


def copy_command(source: Path, part: Path, config: TranscodeConfig, probed: Probed, with_sound: bool) -> list[str]:
    """Returns the command that copies the picture of `source` to `part`, and its sound with it or encoded anew."""
    media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source))
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    sound = {"c:a": "copy"} if with_sound else _sound_options(config, probed)
    options = {
        "c:v": "copy",
        **(sound if probed.audio_decodable else {}),
        **({"movflags": config.movflags} if part.suffix.lower() in (".mp4", ".mov", ".m4v") else {}),
        **_REPEATABLE,
        "sn": None,
        "dn": None,
        "map_chapters": -1,
    }
    made = ffmpeg.output(*streams, f"file:{part.absolute()}", **options)
    command: list[str] = made.global_args(*_quiet()).compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def keyframes_command(source: Path) -> list[str]:
    """Returns the command that decodes those frames to nowhere that stand alone, to see whether they can be."""
    media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source), skip_frame="nokey")
    made = ffmpeg.output(media["V:0"], "-", f="null").global_args(*_quiet())
    command: list[str] = made.compile(cmd=str(find("ffmpeg")))
    return command


def frames_command(
    source: Path, pattern: str, probed: Probed, ticks: Sequence[int], origin: int, quality: int, stamped: bool = True
) -> list[str]:
    """Returns the command that writes the frames shown at some ticks as JPEG files, named by tick less `origin`."""
    # JPEG knows one colour matrix and one range, whatever the video used.
    steps = _chosen(probed, ticks, origin, stamped, ":out_color_matrix=bt601:out_range=full")
    options = {"f": "image2", "c:v": "mjpeg", "q:v": quality, "pix_fmt": "yuvj420p", "frame_pts": 1}
    return _frames(source, f"file:{pattern}", probed, ticks, options | {"vf": ",".join(steps)})


def raw_frames_command(source: Path, probed: Probed, ticks: Sequence[int], stamped: bool = True) -> list[str]:
    """Returns the command that writes the frames shown at some ticks to standard output, as bytes of RGB."""
    steps = _chosen(probed, ticks, ticks[0], stamped, ":flags=bicubic+accurate_rnd+full_chroma_int+bitexact")
    options = {"f": "rawvideo", "c:v": "rawvideo", "pix_fmt": "rgb24"}
    return _frames(source, "pipe:1", probed, ticks, options | {"vf": ",".join(steps)})


def _chosen(probed: Probed, ticks: Sequence[int], origin: int, stamped: bool, scaling: str) -> list[str]:
    return [
        *([] if stamped else ["setpts=N"]),
        # Of two frames at one time the first, because files are named and counted by times.
        f"select='({_any_of(ticks)})*(isnan(prev_selected_pts)+gt(pts,prev_selected_pts))'",
        f"setpts=PTS-({origin})",
        *picture_filters(probed, (probed.info.width, probed.info.height), scaling),
    ]


def _frames(source: Path, target: str, probed: Probed, ticks: Sequence[int], kind: dict[str, Any]) -> list[str]:
    media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source), copyts=None)
    options = {
        **kind,
        "fps_mode": "passthrough",
        "enc_time_base:v": probed.time_base,
        "frames:v": len(ticks),
        **_REPEATABLE,
        **_ONE_THREAD,
    }
    made = ffmpeg.output(media["V:0"], target, **options).global_args(*_quiet())
    command: list[str] = made.compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def stills_command(
    source: Path, pattern: str, probed: Probed, moments: Sequence[Moment], size: tuple[int, int]
) -> list[str]:
    """Returns the command that writes one picture for each of some moments, named by their numbers and its tick.

    They are sought, so that little in between is decoded. What is damaged is shown as far as it decodes.
    """
    outputs = []
    for number, moment in enumerate(moments):
        only = {"skip_frame": "nokey"} if moment.from_tick is None else {}
        since = "" if moment.from_tick is None else f"*gte(pts,{moment.from_tick})"
        once = f"select='isnan(prev_selected_pts){since}'"
        # Equal inputs are one to ffmpeg-python, so moments that are sought together are decoded together.
        at = {"ss": f"{moment.at_s:.6f}", "noaccurate_seek": None} if moment.at_s else {}
        media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source), **only, **at, copyts=None)
        options = {
            "f": "image2",
            "c:v": "ppm",
            "pix_fmt": "rgb24",
            # Small first, because toning down costs more than all the rest.
            "vf": ",".join([once, f"scale={size[0]}:{size[1]}", *picture_filters(probed, size)]),
            "fps_mode": "passthrough",
            "enc_time_base:v": probed.time_base,
            "frame_pts": 1,
            "frames:v": 1,
            **_ONE_THREAD,
        }
        outputs.append(ffmpeg.output(media["V:0"], f"file:{pattern}{number}_%d.ppm", **options))
    made = ffmpeg.merge_outputs(*outputs).global_args(*_quiet(lenient=True))
    command: list[str] = made.compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def _any_of(ticks: Sequence[int]) -> str:
    """Returns an expression that is true at some ticks, given in order: a search tree, because ffmpeg limits the depth.

    A sum of a hundred terms is too deep for it already, and would be evaluated whole for every frame.
    """
    if len(ticks) == 1:
        return f"eq(pts,{ticks[0]})"
    middle = len(ticks) // 2
    return f"if(lt(pts,{ticks[middle]}),{_any_of(ticks[:middle])},{_any_of(ticks[middle:])})"


def decode_command(source: Path, probed: Probed) -> list[str]:
    """Returns the command that decodes a source to nowhere, to see whether it can be."""
    media = ffmpeg.input(f"file:{source.absolute()}", **_input_options(source))
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    command: list[str] = ffmpeg.output(*streams, "-", f="null").global_args(*_quiet()).compile(cmd=str(find("ffmpeg")))
    return command


def _sound_options(config: TranscodeConfig, probed: Probed, skipped_s: float = 0.0) -> dict[str, Any]:
    mixed_down = {"ac": 2} if probed.audio_channels > 2 else {}
    cut = {"af": f"atrim=start={skipped_s:.6f},asetpts=PTS-{skipped_s:.6f}/TB"} if skipped_s else {}
    return {"c:a": config.acodec, "b:a": config.audio_bitrate, **mixed_down, **cut}


def _video_options(config: TranscodeConfig, probed: Probed, skipped_s: float) -> dict[str, Any]:
    # Without a rate every frame keeps its time, in the source's own ticks; ffmpeg's default is one tick per frame,
    # which drops those that are closer together than the average. With one, the filter shows at each tick the last
    # frame begun by then; the muxer's own conversion (-r) lags behind when it lowers the rate.
    rate = [f"fps={config.fps:g}:round=up"] if config.fps else []
    cut = [f"trim=start={skipped_s:.6f}", f"setpts=PTS-{skipped_s:.6f}/TB"] if skipped_s else []
    late = [f"setpts=PTS+{probed.early_s:.6f}/TB"] if probed.early_s and not config.start_time else []
    size = config.output_size(probed.info.width, probed.info.height)
    timing = {} if config.fps else {"enc_time_base:v": probed.time_base}
    return {
        "c:v": config.vcodec,
        "preset": config.preset,
        "crf": config.crf,
        "pix_fmt": "yuv420p",
        # The range that players take for granted, whatever the source used.
        "vf": ",".join([*cut, *late, *rate, *picture_filters(probed, size, ":out_range=tv")]),
        "fps_mode": "vfr",
        **timing,
        **_ONE_THREAD,
    }


def picture_filters(probed: Probed, size: tuple[int, int], scaling: str = "") -> list[str]:
    """Returns the filters that make progressive, square-pixelled frames of a size; ffmpeg itself turns them upright."""
    return [
        # send_frame, because the default makes a frame of each field.
        *(["bwdif=mode=send_frame:deint=interlaced"] if probed.interlaced else []),
        *(tone_map(probed.colours) if probed.colours.hdr and can_tone_map() else []),
        f"scale={size[0]}:{size[1]}{scaling}",
        "setsar=1",
    ]
