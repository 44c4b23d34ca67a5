"""ffmpeg's command lines, built from a probe and a TranscodeConfig."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ffmpeg

from rushes.sniff import sniff
from rushes.video.binaries import find
from rushes.video.config import TranscodeConfig
from rushes.video.encoder import card, encoder_options, tag
from rushes.video.limits import MAX_PIXELS
from rushes.video.picture import picture_filters
from rushes.video.probe import Probed

__all__ = [
    "ONE_THREAD",
    "REPEATABLE",
    "copy_command",
    "decode_command",
    "encode_command",
    "input_options",
    "keyframes_command",
    "quiet",
    "sound_options",
    "video_options",
]

# One thread: files run side by side instead, which is faster, and the bytes do not depend on the machine.
ONE_THREAD: Mapping[str, Any] = {"threads": 1}
REPEATABLE: Mapping[str, Any] = {
    "fflags": "+bitexact",
    "flags:v": "+bitexact",
    "flags:a": "+bitexact",
    "map_metadata": -1,
}


def quiet(*, lenient: bool = False) -> list[str]:
    """Returns the global options of every ffmpeg that rushes runs: no questions, errors only, and errors are fatal."""
    strict = [] if lenient else ["-xerror"]
    return ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", *strict, "-filter_threads", "1"]


def input_options(path: Path) -> dict[str, Any]:
    """Returns the options that keep ffmpeg to one file, one demuxer, one thread and pictures of a sane size."""
    demuxer = sniff(path).demuxers or ""
    return {
        "protocol_whitelist": "file",
        "format_whitelist": demuxer,
        "f": demuxer,
        "max_pixels": MAX_PIXELS,
        **ONE_THREAD,
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
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), **start, **as_told)
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    skipped_s = 0.0 if seeking else begin_s
    options = {
        **video_options(config, probed, skipped_s, part.suffix),
        **(sound_options(config, probed, skipped_s) if probed.audio_decodable else {}),
        **({"movflags": config.movflags} if part.suffix.lower() in (".mp4", ".mov", ".m4v") else {}),
        **({"t": config.duration} if config.duration else {}),
        **({"frames:v": _most_frames(config.fps, expected_s or config.max_duration_s)} if config.fps else {}),
        **REPEATABLE,
        "sn": None,
        "dn": None,
        "map_chapters": -1,
        "stats_period": 0.5,
    }
    made = ffmpeg.output(*streams, f"file:{part.absolute()}", **options)
    command: list[str] = made.global_args(*quiet(), "-progress", "pipe:1").compile(
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
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source))
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    sound = {"c:a": "copy"} if with_sound else sound_options(config, probed)
    options = {
        "c:v": "copy",
        **tag(probed.info.video_codec, part.suffix),
        **(sound if probed.audio_decodable else {}),
        **({"movflags": config.movflags} if part.suffix.lower() in (".mp4", ".mov", ".m4v") else {}),
        **REPEATABLE,
        "sn": None,
        "dn": None,
        "map_chapters": -1,
    }
    made = ffmpeg.output(*streams, f"file:{part.absolute()}", **options)
    command: list[str] = made.global_args(*quiet()).compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def keyframes_command(source: Path) -> list[str]:
    """Returns the command that decodes those frames to nowhere that stand alone, to see whether they can be."""
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), skip_frame="nokey")
    made = ffmpeg.output(media["V:0"], "-", f="null").global_args(*quiet())
    command: list[str] = made.compile(cmd=str(find("ffmpeg")))
    return command


def decode_command(source: Path, probed: Probed) -> list[str]:
    """Returns the command that decodes a source to nowhere, to see whether it can be."""
    # What smooths the edges of blocks reads nothing of the file, so it finds nothing, and takes a fifth of the time.
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), skip_loop_filter="all")
    streams = [media["V:0"], media["a:0"]] if probed.audio_decodable else [media["V:0"]]
    command: list[str] = ffmpeg.output(*streams, "-", f="null").global_args(*quiet()).compile(cmd=str(find("ffmpeg")))
    return command


def sound_options(config: TranscodeConfig, probed: Probed, skipped_s: float = 0.0) -> dict[str, Any]:
    """Returns the options that encode the sound, without what lies before a time."""
    mixed_down = {"ac": 2} if probed.audio_channels > 2 else {}
    cut = {"af": f"atrim=start={skipped_s:.6f},asetpts=PTS-{skipped_s:.6f}/TB"} if skipped_s else {}
    return {"c:a": config.acodec, "b:a": config.audio_bitrate, **mixed_down, **cut}


def video_options(config: TranscodeConfig, probed: Probed, skipped_s: float, suffix: str) -> dict[str, Any]:
    """Returns the options that encode the picture, without what lies before a time, for a container by its suffix."""
    # Without a rate every frame keeps its time, in the source's own ticks; ffmpeg's default is one tick per frame,
    # which drops those that are closer together than the average. With one, the filter shows at each tick the last
    # frame begun by then; the muxer's own conversion (-r) lags behind when it lowers the rate.
    rate = [f"fps={config.fps:g}:round=up"] if config.fps else []
    cut = [f"trim=start={skipped_s:.6f}", f"setpts=PTS-{skipped_s:.6f}/TB"] if skipped_s else []
    late = [f"setpts=PTS+{probed.early_s:.6f}/TB"] if probed.early_s and not config.start_time else []
    size = config.output_size(probed.info.width, probed.info.height)
    timing = {} if config.fps else {"enc_time_base:v": probed.time_base}
    hdr = probed.colours.hdr
    filters = picture_filters(probed, size, ":out_range=tv", keep_hdr=config.hdr == "keep")
    hardware = card(config, hdr)
    upload = hardware.upload(config.pixel_format(hdr)) if hardware else []
    return {
        **encoder_options(config, hdr, suffix),
        # The range that players take for granted, whatever the source used.
        "vf": ",".join([*cut, *late, *rate, *filters, *upload]),
        "fps_mode": "vfr",
        **timing,
        **ONE_THREAD,
    }
