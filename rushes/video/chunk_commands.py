"""ffmpeg's command lines for a video that is encoded in chunks, and joined."""

from __future__ import annotations

from pathlib import Path

import ffmpeg
from msgspec.structs import replace

from rushes.video.binaries import find
from rushes.video.command import REPEATABLE, input_options, quiet, sound_options, video_options
from rushes.video.config import TranscodeConfig
from rushes.video.cuts import Chunk
from rushes.video.probe import Probed

__all__ = ["chunk_command", "join_command", "sound_command"]

_TOLD = ("-progress", "pipe:1")


def chunk_command(source: Path, part: Path, config: TranscodeConfig, probed: Probed, chunk: Chunk) -> list[str]:
    """Returns the command that makes the picture of one chunk of `source`, as one pass would make it.

    The first one begins where one pass does, and keeps its distance from the container's beginning. The others count
    in the source's own ticks, so that no rounding moves a cut, and begin at zero.
    """
    seek = {"ss": f"{chunk.at_s:.6f}", "noaccurate_seek": None, "copyts": None} if chunk.number else {}
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source), **seek)
    picture = video_options(config, replace(probed, early_s=0.0) if chunk.number else probed, 0.0, part.suffix)
    if chunk.number:
        picture["vf"] = f"trim=start_pts={chunk.tick},setpts=PTS-({chunk.tick}),{picture['vf']}"
    options = {**picture, "frames:v": chunk.frames, **REPEATABLE, "map_chapters": -1, "stats_period": 0.5}
    made = ffmpeg.output(media["V:0"], f"file:{part.absolute()}", **options).global_args(*quiet(), *_TOLD)
    command: list[str] = made.compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def sound_command(source: Path, part: Path, config: TranscodeConfig, probed: Probed) -> list[str]:
    """Returns the command that makes the sound of `source`, all of it, as one pass would make it."""
    media = ffmpeg.input(f"file:{source.absolute()}", **input_options(source))
    options = {**sound_options(config, probed), **REPEATABLE, "map_chapters": -1, "stats_period": 0.5}
    made = ffmpeg.output(media["a:0"], f"file:{part.absolute()}", **options).global_args(*quiet(), *_TOLD)
    command: list[str] = made.compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command


def join_command(listing: Path, sound: Path | None, part: Path, config: TranscodeConfig, late_s: float) -> list[str]:
    """Returns the command that copies chunks one after the other to `part`, and sound beside them.

    Args:
        listing: Names the chunks, which lie beside it; ffmpeg opens no file that lies elsewhere.
        sound: Where there is any.
        part: The result.
        config: What it is to be.
        late_s: When the first frame is shown.
    """
    guards = {"protocol_whitelist": "file", "format_whitelist": "concat,mov"}
    # Unconverted, because all have the same header, and what is put into frames instead would be there twice.
    lists = {"f": "concat", "safe": 1, "auto_convert": 0, "itsoffset": f"{late_s:.6f}", "copyts": None}
    streams = [ffmpeg.input(f"file:{listing.absolute()}", **guards, **lists)["v:0"]]
    if sound:
        streams.append(ffmpeg.input(f"file:{sound.absolute()}", **guards, f="mov")["a:0"])
    options = {"c": "copy", "movflags": config.movflags, **REPEATABLE, "map_chapters": -1}
    # Lenient, because where frames are uneven the order of decoding is put right at a cut, with a complaint.
    made = ffmpeg.output(*streams, f"file:{part.absolute()}", **options).global_args(*quiet(lenient=True))
    command: list[str] = made.compile(cmd=str(find("ffmpeg")), overwrite_output=True)
    return command
