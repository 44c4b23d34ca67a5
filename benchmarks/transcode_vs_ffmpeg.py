"""One clip through rushes, beside ffmpeg with the very same options and nothing around it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.material import clips
from benchmarks.measure import in_turn, print_beside, scratch
from rushes.video import transcode_video
from rushes.video.command import encode_command
from rushes.video.config import PROFILES
from rushes.video.probe import examine

_CONFIG = replace(PROFILES["web"], resolution="1280x720")
_OPTIONS = ("--profile", "web", "--set", "resolution=1280x720")


def main(arguments: Sequence[str] = ()) -> None:
    """Runs all sides in turn, round after round, and prints medians and the median of the ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks transcode_vs_ffmpeg", description=__doc__)
    parser.add_argument("--seconds", type=float, default=24, help="length of the clip, 1080p to 720p")
    parser.add_argument("--rounds", type=int, default=5, help="how often each side runs")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    clip = clips(options.keep / "clips", 1, options.seconds)[0]
    print(f"\n{options.seconds:g} s, 1080p to 720p; {options.rounds} rounds; a load of {os.getloadavg()[0]:.1f} before")
    with scratch() as folder:
        _compare(clip, folder, options.rounds)


def _compare(clip: Path, folder: Path, rounds: int) -> None:
    bare, made, commanded = (folder / name for name in ("bare.mp4", "made.mp4", "commanded.mp4"))
    probed = examine(clip)
    ffmpeg = encode_command(clip, bare, _CONFIG, probed, probed.info.duration_s)
    command = [sys.executable, "-m", "cli", "transcode", str(clip), str(commanded), *_OPTIONS]
    sides = {
        "ffmpeg": lambda: subprocess.run(ffmpeg, stdout=subprocess.DEVNULL, check=True),
        "transcode_video": lambda: transcode_video(clip, made, _CONFIG),
        "rushes transcode": lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
    }
    taken = in_turn(sides, rounds)
    if len({path.read_bytes() for path in (bare, made, commanded)}) != 1:
        sys.exit("The sides did not make the same bytes.")
    print_beside(taken, "ffmpeg")


if __name__ == "__main__":
    main(sys.argv[1:])
