"""The pipeline on Ray and on threads, beside a shell script of curl, sha256sum and ffmpeg that does the same."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.material import PICTURE_SIZE, clips, pictures, sha256
from benchmarks.measure import Measurement, measure, scratch
from examples.demo.server import MediaServer, serve
from rushes.video.binaries import find

_BOX = (80, 60, 160, 120)
_FETCH = """set -euo pipefail
cd "$1"
mkdir -p in images labels media
curl --parallel --parallel-max 16 --silent --show-error --fail --config urls
sha256sum --check --quiet sums
"""
_ONE = """one() {
  "$FFMPEG" -nostdin -loglevel error -threads "$THREADS" -i "in/$1" -map 0:V:0 -map 0:a:0? -vf \
    "scale=w='min(1280,iw)':h='min(720,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1" \
    -c:v libx264 -preset fast -crf 23 -pix_fmt yuv420p -fps_mode vfr -threads "$THREADS" -c:a aac -b:a 128k \
    -movflags +faststart "media/$1"
  "$FFMPEG" -nostdin -loglevel error -threads "$THREADS" -i "media/$1" -vf fps=1 -q:v 2 \
    "images/${1%.mp4}_%03d.jpg"
}
export -f one
ls in | xargs -P "$JOBS" -I{} bash -c 'one {}'
"""
_CLIPS = _FETCH + _ONE
_TRY = f"""set -euo pipefail
cd "$1"
mkdir -p images media
{_ONE}"""
_PICTURES = f"""{_FETCH}
mv in/* images/
awk '{{ file = "labels/" $1 ".txt"; print $2, ($3 + $5 / 2) / $7, ($4 + $6 / 2) / $8, $5 / $7, $6 / $8 > file
       close(file) }}' boxes
"""
_PIPELINE = {
    "name": "bench",
    "source": "items.csv",
    "output": "./dataset",
    "download": {"allow_private_hosts": ["127.0.0.1"]},
}
_TO_720P = {"transcode": {"profile": "web", "resolution": "1280x720"}, "frames": {"every_s": 1.0}}


class Layout(NamedTuple):
    """How the script shares out the cores.

    Attributes:
        jobs: ffmpegs at a time.
        threads: Of each; 0 lets it choose.
    """

    jobs: int
    threads: int

    def __str__(self) -> str:
        return f"{self.jobs} at a time with {self.threads or 'as many as it likes'} threads"


def main(arguments: Sequence[str] = ()) -> None:
    """Runs both jobs on all sides and prints seconds, ratios, memory, and where the pipeline's time went."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pipeline_vs_shell", description=__doc__)
    parser.add_argument("--clips", type=int, default=40, help="1080p clips to bring to 720p; 0 leaves this job out")
    parser.add_argument("--seconds", type=float, default=10, help="length of each clip")
    parser.add_argument("--images", type=int, default=2000, help="images of 50 KB; 0 leaves this job out")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    parser.add_argument("--tries", type=int, default=6, help="clips to find the fastest layout of the script with")
    parser.add_argument("--layout", type=_layout, metavar="JOBSxTHREADS", help="the layout to take without a try")
    options = parser.parse_args(arguments)
    if options.clips:
        files = clips(options.keep / "clips", options.clips, options.seconds)
        layout = options.layout or _fastest(files[: options.tries])
        title = f"{len(files)} clips of {options.seconds:g} s, 1080p to 720p, a frame each second; script: {layout}"
        _compare(title, files, _CLIPS, layout)
    if options.images:
        files = pictures(options.keep / "images", options.images)
        _compare(f"{len(files)} images of {_mean_kb(files):.0f} KB to YOLO", files, _PICTURES, Layout(1, 1))


def _layout(text: str) -> Layout:
    jobs, threads = text.split("x")
    return Layout(int(jobs), int(threads))


def _fastest(files: Sequence[Path]) -> Layout:
    """Tries what people would try who tune the script by hand, and returns what took least."""
    cores = len(os.sched_getaffinity(0))
    layouts = [Layout(cores, 1), Layout(1, 0), Layout(cores, 0), Layout(cores, 2), Layout(cores + 1, 1)]
    layouts.append(Layout(2 * cores, 1))
    print(f"\n{len(files)} clips by the script alone\n{'':46}{'wall s':>8}{'CPU s':>8}")
    taken = {layout: _tried(layout, files) for layout in dict.fromkeys(layouts)}
    return min(taken, key=lambda layout: taken[layout].wall_s)


def _tried(layout: Layout, files: Sequence[Path]) -> Measurement:
    with scratch() as folder:
        (folder / "in").mkdir()
        for file in files:
            (folder / "in" / file.name).symlink_to(file)
        result = measure(["bash", "-c", _TRY, "shell", str(folder)], folder, _environment(layout))
    print(f"{layout!s:46}{result.wall_s:8.1f}{result.cpu_s:8.1f}", flush=True)
    return result


def _environment(layout: Layout) -> dict[str, str]:
    return os.environ | {"FFMPEG": str(find("ffmpeg")), "JOBS": str(layout.jobs), "THREADS": str(layout.threads)}


def _compare(title: str, files: list[Path], script: str, layout: Layout) -> None:
    extra = _TO_720P if script == _CLIPS else {}
    print(f"\n{title}\n{'':10}{'wall s':>8}{'ratio':>8}{'driver MB':>11}{'tree MB':>9}")
    with scratch() as folder, serve(files[0].parent) as server:
        shell = _line("shell", _shell(folder / "shell", files, server, script, layout), None)
        for runner in ("threads", "ray"):
            _line(runner, _pipeline(folder / runner, files, server, runner, extra), shell)
            _explain(folder / runner / "dataset" / "export_summary.json")


def _shell(folder: Path, files: list[Path], server: MediaServer, script: str, layout: Layout) -> Measurement:
    folder.mkdir()
    sides = " ".join(map(str, (*_BOX, *PICTURE_SIZE)))
    (folder / "urls").write_text("".join(f'url = "{server.url(f.name)}"\noutput = "in/{f.name}"\n' for f in files))
    (folder / "sums").write_text("".join(f"{sha256(file)}  in/{file.name}\n" for file in files))
    (folder / "boxes").write_text("".join(f"{file.stem} 0 {sides}\n" for file in files))
    return measure(["bash", "-c", script, "shell", str(folder)], folder, _environment(layout))


def _pipeline(
    folder: Path, files: list[Path], server: MediaServer, runner: str, extra: dict[str, object]
) -> Measurement:
    folder.mkdir()
    label = json.dumps([{"class": "thing", "box": _BOX}])
    with (folder / "items.csv").open("w", encoding="utf-8", newline="") as source:
        writer = csv.writer(source)
        writer.writerow(("url", "checksum", "annotations"))
        writer.writerows((server.url(f.name), f"sha256:{sha256(f)}", "" if extra else label) for f in files)
    (folder / "pipeline.yaml").write_text(json.dumps(_PIPELINE | extra))  # JSON is YAML
    return measure([sys.executable, "-m", "cli", "run", str(folder / "pipeline.yaml"), "--runner", runner], folder)


def _line(name: str, result: Measurement, shell: Measurement | None) -> Measurement:
    ratio = f"{result.wall_s / shell.wall_s:.2f}" if shell else "1.00"
    print(f"{name:10}{result.wall_s:8.1f}{ratio:>8}{result.driver_mb:11.0f}{result.tree_mb:9.0f}", flush=True)
    return result


def _explain(summary: Path) -> None:
    content = json.loads(summary.read_bytes())
    stages = (f"{stage} {work['busy_s']:.1f} s in {work['batches']}" for stage, work in content["work"].items())
    print(f"{'':10}run {content['elapsed_s']:.1f} s; busy in batches: {', '.join(stages)}", flush=True)


def _mean_kb(files: list[Path]) -> float:
    return sum(file.stat().st_size for file in files) / len(files) / 1000


if __name__ == "__main__":
    main(sys.argv[1:])
