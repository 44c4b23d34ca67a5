"""A pipeline whose long video keeps ffmpeg at work for as long as a test needs, on any machine, in chunks or whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rushes.config import Pipeline
from rushes.video.binaries import find
from tests.night import Night, until
from tests.rushes.video.clips import card, coloured

__all__ = ["NAME", "begin", "make_media", "settings", "slow_ffmpeg"]

NAME = "slow"

# ffmpeg as it is, but for the speed at which it reads what it encodes: a whole video takes 40 s, the first chunk of it
# nothing, each other one 20 s.
_SLOW = """#!/bin/sh
case "$*" in
  *libx264*)
    case "$*" in
      *noaccurate_seek*) exec {ffmpeg} -readrate 0.25 "$@" ;;
      *frames:v*) ;;
      *) exec {ffmpeg} -readrate 0.5 "$@" ;;
    esac ;;
esac
exec {ffmpeg} "$@"
"""


def slow_ffmpeg(folder: Path) -> str:
    """Makes the program, and returns its path for RUSHES_FFMPEG."""
    program = folder / "ffmpeg"
    program.write_text(_SLOW.format(ffmpeg=find("ffmpeg")))
    program.chmod(0o755)
    return str(program)


def make_media(folder: Path) -> Path:
    """Makes a long video and a short one, and the source file that names them."""
    card(folder / "long.mkv", "-c:v", "mpeg4", "-q:v", "5", "-g", "25", size="160x120", seconds=20)
    coloured(folder / "short.mkv", "-c:v", "mpeg4")
    (folder / "items.csv").write_text("id,url\nlong,long.mkv\nshort,short.mkv\n")
    return folder


def settings(media: Path, work: Path, split_s: int = 5) -> dict[str, Any]:
    """Returns the pipeline; with `split_s` 0 the long video is encoded in one pass."""
    given: dict[str, Any] = {"transcode": {"preset": "ultrafast", "split_s": split_s}, "frames": {"every_s": 5.0}}
    config = Pipeline(name=NAME, source=str(media / "items.csv"), workspace=str(work), **given)
    return config.model_dump(mode="json", exclude_unset=True)


def begin(parts: Night, deployment: str, config: dict[str, Any], **more: Any) -> str:
    """Begins a run and waits until an encoder is at work on the long video, after a first chunk if that has any."""
    work = Path(config["workspace"])
    run = parts.begin(deployment, config, **more)
    until(partial(_encoding, work, bool(config["transcode"]["split_s"])), parts.log)
    return run


def _encoding(work: Path, chunked: bool) -> bool:
    if not chunked:
        return any(work.glob("derived/*/*/.*.part.mp4"))
    return any(work.glob("chunks/**/0*.mp4")) and any(work.glob("chunks/**/.0*.part.mp4"))
