"""One long clip in chunks by two workers, beside one ffmpeg on one core."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.material import clips
from benchmarks.measure import Measurement, measure, scratch
from rushes.video.binaries import find
from rushes.video.timeline import read_timeline

_FILTERS = "scale=w='min(1280,iw)':h='min(720,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1"
_CHUNKS = """
import sys
from rushes.video import TranscodeConfig, transcode_video
source, target, split_s, workers = sys.argv[1:]
config = TranscodeConfig(preset="fast", crf=23, resolution="1280x720", split_s=float(split_s))
transcode_video(source, target, config, workers=int(workers))
"""


def main(arguments: Sequence[str] = ()) -> None:
    """Runs both sides in turn, and prints seconds, processor seconds and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks segments_vs_one_core", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="length of the clip, 1080p at 25 frames a second")
    parser.add_argument("--split", type=float, default=15, help="seconds in a chunk")
    parser.add_argument("--workers", type=int, default=2, help="chunks at a time")
    parser.add_argument("--rounds", type=int, default=3, help="of both sides in turn")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    [clip] = clips(options.keep / "long", 1, options.seconds)
    print(f"\none clip of {options.seconds:g} s, 1080p to 720p\n{'':24}{'wall s':>8}{'CPU s':>8}{'ratio':>8}{'MB':>8}")
    ratios = []
    with scratch() as folder:
        one, many = folder / "one.mp4", folder / "many.mp4"
        chunks = [sys.executable, "-c", _CHUNKS, str(clip), str(many), f"{options.split}", f"{options.workers}"]
        for _ in range(options.rounds):
            alone = _line("ffmpeg on one core", measure(_alone(clip, one), folder), one, None)
            together = _line(f"{options.workers} workers", measure(chunks, folder), many, alone)
            ratios.append(alone.wall_s / together.wall_s)
        bytes_ = many.stat().st_size / one.stat().st_size
        frames = len(read_timeline(one).ticks), len(read_timeline(many).ticks)
    print(f"median ratio {statistics.median(ratios):.2f}; frames {frames[0]} and {frames[1]}; size {bytes_:.4f}")


def _alone(clip: Path, target: Path) -> list[str]:
    """Returns what a user would type, held to one core."""
    video = ["-vf", _FILTERS, "-c:v", "libx264", "-preset", "fast", "-crf", "23", "-pix_fmt", "yuv420p"]
    sound = ["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart"]
    ffmpeg = [str(find("ffmpeg")), "-nostdin", "-loglevel", "error", "-y", "-threads", "1", "-filter_threads", "1"]
    return ["taskset", "-c", "0", *ffmpeg, "-i", str(clip), *video, "-threads", "1", *sound, str(target)]


def _line(name: str, result: Measurement, made: Path, alone: Measurement | None) -> Measurement:
    ratio = f"{alone.wall_s / result.wall_s:.2f}" if alone else "1.00"
    size = made.stat().st_size / 1e6
    print(f"{name:24}{result.wall_s:8.1f}{result.cpu_s:8.1f}{ratio:>8}{size:8.1f}", flush=True)
    return result


if __name__ == "__main__":
    main(sys.argv[1:])
