"""Frames of an hour of small video: sought in an mp4, decoded up to in a transport stream, and by one bare ffmpeg."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import in_turn, print_beside, scratch
from rushes.video.binaries import find
from rushes.video.frames import extract_frames

_RATE = 25
_MINUTES = 60


def main(arguments: Sequence[str] = ()) -> None:
    """Takes few and many frames on all sides in turn, and prints seconds and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks frames_of_an_hour", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1, help="how often each side runs")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    frames = 60 * _MINUTES * _RATE
    hour = _hour(options.keep / "hour")
    for title, step in (("20 frames", frames // 20), ("a frame a second", _RATE), ("five a second", _RATE // 5)):
        print(f"\n{title}; {options.rounds} rounds; a load of {os.getloadavg()[0]:.1f} before", flush=True)
        with scratch() as folder:
            sides = {
                "ffmpeg, one pass": _bare(hour, folder, step),
                "mp4": _ours(hour, folder, range(0, frames, step)),
                "transport stream": _ours(hour.with_suffix(".ts"), folder, range(0, frames, step)),
            }
            print_beside(in_turn(sides, options.rounds), "ffmpeg, one pass")


def _hour(folder: Path) -> Path:
    """Makes an hour of 160x90 pixels with a key frame every ten seconds, in both containers."""
    folder.mkdir(parents=True, exist_ok=True)
    minute, hour = folder / "minute.mp4", folder / "hour.mp4"
    if not hour.with_suffix(".ts").exists():
        _ffmpeg("-f", "lavfi", "-i", f"testsrc2=size=160x90:rate={_RATE}:duration=60", "-pix_fmt", "yuv420p", minute)
        (folder / "list").write_text(f"file {minute.name}\n" * _MINUTES)
        _ffmpeg("-f", "concat", "-i", folder / "list", "-c", "copy", hour)
        _ffmpeg("-i", hour, "-c", "copy", hour.with_suffix(".ts"))
    return hour


def _bare(video: Path, folder: Path, step: int) -> Callable[[], None]:
    """Returns what has one ffmpeg write every so manieth frame, and sync none."""

    def run() -> None:
        place = Path(tempfile.mkdtemp(dir=folder))
        chosen = ("-vf", f"select='not(mod(n,{step}))'", "-fps_mode", "passthrough", "-q:v", "2")
        _ffmpeg("-threads", "1", "-i", video, *chosen, place / "%06d.jpg")
        shutil.rmtree(place)

    return run


def _ours(video: Path, folder: Path, wanted: range) -> Callable[[], None]:
    def run() -> None:
        place = Path(tempfile.mkdtemp(dir=folder))
        if len(extract_frames(video, wanted, place)) != len(wanted):
            sys.exit(f"{video.name}: frames are missing")
        shutil.rmtree(place)

    return run


def _ffmpeg(*arguments: str | Path) -> None:
    subprocess.run([find("ffmpeg"), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
