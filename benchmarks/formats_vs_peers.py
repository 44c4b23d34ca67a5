"""Conversions between formats, beside labelformat, globox and supervision: processor time and peak memory.

5,000 images with 36,561 outlined objects, like COCO's val2017. Each tool runs as a process of its own, from
its start to its end, in turn with the others; the least of its rounds counts. What is written goes to a file system in
memory where there is one, so that the disk is not what is measured. rushes validates, and its dataset takes its place
whole; images are left where they are.

    python -m benchmarks formats_vs_peers                           beside the least that can be done
    python -m benchmarks formats_vs_peers --peers /path/to/python   a Python with the peers installed
    python -m benchmarks formats_vs_peers --large                   and how cost grows to 500,000 images and 2.2 GB
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from benchmarks.coco_material import BLOCK, write_document

__all__ = ["main"]

_JOBS = {"coco_to_yolo": "COCO to YOLO", "coco_to_voc": "COCO to VOC", "yolo_to_coco": "YOLO to COCO"}
_PEERS = ("labelformat", "globox", "supervision")
_TO = {"coco_to_yolo": "yolo", "coco_to_voc": "voc", "yolo_to_coco": "coco"}
_FLOOR = "floor"
"""What the least that can be done takes: see `formats_floor`."""
_MEMORY = Path("/dev/shm")
_LARGE = (5_000, 50_000, 500_000)


class _Cost(NamedTuple):
    cpu_s: float
    peak_mb: float


def main(arguments: Sequence[str]) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks formats_vs_peers")
    parser.add_argument("--peers", type=Path, help="Python with labelformat, globox and supervision")
    parser.add_argument("--tools", default=",".join(_PEERS), help="which of them; supervision needs OpenCV, or minutes")
    parser.add_argument("--jobs", default=",".join(_JOBS), help="which conversions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="only how cost grows with the number of images")
    chosen = parser.parse_args(arguments)
    with _scratch() as folder:
        if chosen.large:
            _grow(folder)
        else:
            tools = chosen.tools.split(",") if chosen.peers else []
            _compare(folder, chosen.peers, tools, chosen.jobs.split(","), chosen.rounds)


def _compare(folder: Path, peers: Path | None, tools: Sequence[str], jobs: Sequence[str], rounds: int) -> None:
    document, images = folder / "instances_train.json", folder / "images"
    count = write_document(document, BLOCK)
    _write_images(images)
    print(f"{BLOCK} images, {count} annotations, {document.stat().st_size / 1e6:.0f} MB", flush=True)
    _run(_ours("coco_to_yolo", document, folder / "yolo"), folder)
    shutil.rmtree(folder / "yolo" / "images" / "train", ignore_errors=True)
    (folder / "yolo" / "images" / "train").symlink_to(images)
    for job in jobs:
        source = folder / "yolo" if job == "yolo_to_coco" else document
        costs: dict[str, list[_Cost]] = {}
        for _ in range(rounds):
            for tool in ("rushes", _FLOOR, *tools):
                target = folder / "out" / tool
                shutil.rmtree(folder / "out", ignore_errors=True)
                (folder / "out").mkdir()
                cost = _run(_command(tool, job, peers, source, images, target), folder)
                if cost:
                    costs.setdefault(tool, []).append(cost)
        _print(_JOBS[job], {tool: _Cost(*map(min, zip(*found, strict=True))) for tool, found in costs.items()})


def _print(name: str, costs: dict[str, _Cost]) -> None:
    ours = costs["rushes"]
    for tool, cost in costs.items():
        ratio = "" if tool == "rushes" else f"  {cost.cpu_s / ours.cpu_s:.1f}x"
        print(f"{name:14} {tool:12} {cost.cpu_s:6.2f} s  {cost.peak_mb:5.0f} MB{ratio}", flush=True)


def _grow(folder: Path) -> None:
    for images in _LARGE:
        with tempfile.TemporaryDirectory(prefix="rushes-bench-") as place:
            document = Path(place, "instances_train.json")
            count = write_document(document, images)
            cost = _run(_ours("coco_to_yolo", document, folder / "out"), folder)
            size = document.stat().st_size
        shutil.rmtree(folder / "out")
        if cost:
            each = cost.cpu_s / images * 1e3
            print(
                f"{images:7} images, {count:8} annotations, {size / 1e6:5.0f} MB: {cost.cpu_s:6.2f} s, "
                f"{each:.3f} ms an image, {cost.peak_mb:4.0f} MB",
                flush=True,
            )


def _command(tool: str, job: str, peers: Path | None, source: Path, images: Path, target: Path) -> list[str]:
    if tool == "rushes":
        return _ours(job, source, target)
    here, paths = Path(__file__).parent, [str(source), str(images), str(target)]
    if tool == _FLOOR:
        return [sys.executable, str(here / "formats_floor.py"), job, *paths]
    return [str(peers), str(here / "formats_peers.py"), tool, job, *paths]


def _ours(job: str, source: Path, target: Path) -> list[str]:
    command = [sys.executable, "-m", "cli", "convert", str(source), str(target), "--to", _TO[job], "--media", "none"]
    return [*command, "--boxes"]  # as the peers do, which draw no masks for Pascal VOC


def _run(command: Sequence[str], folder: Path) -> _Cost | None:
    """Runs a command, and returns what it took; None where it failed."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        print(f"{' '.join(command[:5])}: failed\n{(folder / 'log').read_text(errors='replace')[-600:]}", flush=True)
        return None
    return _Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3)


def _write_images(folder: Path) -> None:
    folder.mkdir()
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), "gray").save(picture, "JPEG")
    for number in range(BLOCK):
        (folder / f"{number:012d}.jpg").write_bytes(picture.getvalue())


@contextmanager
def _scratch() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="rushes-bench-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
