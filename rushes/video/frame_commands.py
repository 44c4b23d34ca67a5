"""ffmpeg's command lines that take single frames out of a video: all at some times, or those that are found there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg

from rushes.video.binaries import find
from rushes.video.command import ONE_THREAD, REPEATABLE, input_options, quiet
from rushes.video.picture import picture_filters
from rushes.video.probe import Probed

__all__ = ["Moment", "Ticks", "frames_command", "raw_frames_command", "stills_command"]


class Moment(NamedTuple):
    """Where to look for a frame.

    Attributes:
        at_s: Seconds from the beginning; the frame before which can be decoded alone is found quickly.
        from_tick: Of the stream: the first frame at or after it is meant; None takes the one that was found.
    """

    at_s: float
    from_tick: int | None = None


class Ticks(NamedTuple):
    """Which frames are meant.

    Attributes:
        shown: When they are shown, in ticks of the stream, in order.
        stamped: Whether frames have times; if not, their numbers are meant.
        begin_s: Where to seek before decoding, in the container's time; None for the beginning of the file.
    """

    shown: Sequence[int]
    stamped: bool = True
    begin_s: float | None = None


def frames_command(source: Path, pattern: str, probed: Probed, ticks: Ticks, origin: int, quality: int) -> list[str]:
    """Returns the command that writes frames as JPEG files, named by the tick at which they are shown less `origin`."""
    # JPEG knows one colour matrix and one range, whatever the video used.
    steps = _chosen(probed, ticks, origin, ":out_color_matrix=bt601:out_range=full")
    options = {"f": "image2", "c:v": "mjpeg", "q:v": quality, "pix_fmt": "yuvj420p", "frame_pts": 1}
    return _frames(source, f"file:{pattern}", probed, ticks, options | {"vf": ",".join(steps)})


def raw_frames_command(source: Path, probed: Probed, ticks: Ticks) -> list[str]:
    """Returns the command that writes frames to standard output, as bytes of RGB."""
    steps = _chosen(probed, ticks, ticks.shown[0], ":flags=bicubic+accurate_rnd+full_chroma_int+bitexact")
    options = {"f": "rawvideo", "c:v": "rawvideo", "pix_fmt": "rgb24"}
    return _frames(source, "pipe:1", probed, ticks, options | {"vf": ",".join(steps)})


def _chosen(probed: Probed, ticks: Ticks, origin: int, scaling: str) -> list[str]:
    return [
        *([] if ticks.stamped else ["setpts=N"]),
        # Of two frames at one time the first, because files are named and counted by times.
        f"select='({_any_of(ticks.shown)})*(isnan(prev_selected_pts)+gt(pts,prev_selected_pts))'",
        f"setpts=PTS-({origin})",
        *picture_filters(probed, (probed.info.width, probed.info.height), scaling),
    ]


def _frames(source: Path, target: str, probed: Probed, ticks: Ticks, kind: dict[str, Any]) -> list[str]:
    at = {} if ticks.begin_s is None else {"ss": f"{ticks.begin_s:.6f}", "seek_timestamp": 1, "noaccurate_seek": None}
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), **at, copyts=None)
    options = {
        **kind,
        "fps_mode": "passthrough",
        "enc_time_base:v": probed.time_base,
        "frames:v": len(ticks.shown),
        **REPEATABLE,
        **ONE_THREAD,
    }
    made = ffmpeg.output(media["V:0"], target, **options).global_args(*quiet())
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
        media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), **only, **at, copyts=None)
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
            **ONE_THREAD,
        }
        outputs.append(ffmpeg.output(media["V:0"], f"file:{pattern}{number}_%d.ppm", **options))
    made = ffmpeg.merge_outputs(*outputs).global_args(*quiet(lenient=True))
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
