"""Probing many small videos, beside a shell's loop of ffprobe."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from statistics import median

from benchmarks.material import small_clips
from rushes.video.binaries import find
from rushes.video.pool import end_workers, many_files, why_not
from rushes.video.probe import examine

_ASK = "-v error -of json -show_streams -show_format"
_LOOP = f'for file in "$@"; do "$FFPROBE" {_ASK} "$file" > /dev/null; done'
_XARGS = f'printf "%s\\\\0" "$@" | xargs -0 -n 1 -P "$(nproc)" "$FFPROBE" {_ASK} > /dev/null'
_THREADS = os.cpu_count() or 1
_OF_LOOP = "loop of ffprobe"


def main(arguments: Sequence[str] = ()) -> None:
    """Probes the same files by each side in turn, and prints the medians over the rounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks probe_vs_ffprobe", description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--size", default="320x240", help="of the picture; libav decodes a frame or two of H.264")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    if reason := why_not():
        sys.exit(f"probing is by ffprobe alone: {reason}")
    files = small_clips(options.keep / "small", options.files, options.size)
    examine(files[0])  # what ffmpeg can decode is asked once
    sides = _sides(files)
    rounds = [{name: _timed(side) for name, side in sides.items()} for _ in range(options.rounds)]
    print(f"\n{len(files)} clips of 2 s, {options.size}\n{'':44}{'wall s':>8}{'ms a file':>11}{'times':>7}{'CPU s':>8}")
    for line in _table(rounds, len(files)):
        print(line, flush=True)


def _sides(files: Sequence[Path]) -> Mapping[str, Callable[[], object]]:
    cores = f"{_THREADS} workers"
    return {
        _OF_LOOP: lambda: _shell(_LOOP, files),
        "xargs -P of ffprobe": lambda: _shell(_XARGS, files),
        "rushes probe, the command": lambda: _command(files),
        f"rushes.video.probe, {cores}": lambda: _library(files, _THREADS),
        "rushes.video.probe, 1 worker": lambda: _library(files, 1),
        "rushes.video.probe, by ffprobe, 1 at a time": lambda: _library(files, 0),
        "PyAV, streams alone, 1 process": lambda: _headers(files),
    }


def _timed(side: Callable[[], object]) -> tuple[float, float]:
    start_s, cpu_s = time.perf_counter(), _cpu_s()
    side()
    wall_s = time.perf_counter() - start_s
    end_workers()
    return wall_s, _cpu_s() - cpu_s


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _shell(script: str, files: Sequence[Path]) -> None:
    subprocess.run(
        ["bash", "-euc", script, "bash", *files], check=True, env=os.environ | {"FFPROBE": str(find("ffprobe"))}
    )


def _command(files: Sequence[Path]) -> None:
    subprocess.run([sys.executable, "-m", "cli", "probe", *files], check=True, stdout=subprocess.DEVNULL)


def _library(files: Sequence[Path], workers: int) -> None:
    block = many_files(files, workers) if workers else nullcontext()
    with block, ThreadPoolExecutor(workers or 1) as pool:
        for _ in pool.map(examine, files):
            pass


def _headers(files: Sequence[Path]) -> None:
    import av

    for file in files:
        with av.open(str(file)) as container:
            assert container.streams.video


def _table(rounds: Sequence[Mapping[str, tuple[float, float]]], files: int) -> Iterator[str]:
    for name in rounds[0]:
        walls, cpus = zip(*(found[name] for found in rounds), strict=True)
        times = median(found[_OF_LOOP][0] / found[name][0] for found in rounds)
        wall_s = median(walls)
        yield f"{name:44}{wall_s:8.2f}{wall_s / files * 1000:11.2f}{times:7.2f}{median(cpus):8.2f}"


if __name__ == "__main__":
    main(sys.argv[1:])
