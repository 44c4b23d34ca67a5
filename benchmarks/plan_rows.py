"""What the plan and the join take for each row, and their memory, over 10,000, 100,000 and a million rows.

A run reads its source and asks the ledgers before it fetches anything, joins its rows with them before it exports, and
the next run plans over ledgers that hold every row. Those are generated: every item is an image that came and was kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import measure, scratch
from rushes.config import Pipeline
from rushes.items import recipe, source_key
from rushes.jsonl import encode
from rushes.ledger import media_key, segment
from rushes.plan import make_plan
from rushes.records import Media, MediaInfo, Source, Verified
from rushes.summary.begin import begin_export
from rushes.workspace import Workspace

_SIZES = (10_000, 100_000, 1_000_000)
_SEGMENT = 5_000
_STORED, _SIZE_BYTES = "media/picture.jpg", 43_000
_FIRST, _NEXT = "20260101T000000000000Z-0000", "20260102T000000000000Z-0000"
_MB = 1_000_000


def main(arguments: Sequence[str] = ()) -> None:
    """Measures each size, and prints a line for each step of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks plan_rows", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=_SIZES)
    parser.add_argument("--step", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.step:
        _take(chosen.step[0], Path(chosen.step[1]))
        return
    print(f"{'rows':>10}{'':>12}{'wall s':>9}{'CPU us/row':>12}{'peak MB':>9}", flush=True)
    for size in chosen.sizes:
        with scratch() as folder:
            _write_source(folder / "items.csv", size)
            _print(size, "first plan", folder)
            _write_ledgers(folder, size)
            _print(size, "join", folder)
            _print(size, "next plan", folder)


def _print(size: int, step: str, folder: Path) -> None:
    """Takes a step in a process of its own, and prints what it took."""
    measure([sys.executable, "-m", "benchmarks", "plan_rows", "--step", step, str(folder)], folder)
    took = json.loads((folder / "took.json").read_bytes())
    cpu_us = took["cpu_s"] / size * 1e6
    print(f"{size:>10}{step:>12}{took['wall_s']:>9.1f}{cpu_us:>12.1f}{took['peak_mb']:>9.0f}", flush=True)


def _take(step: str, folder: Path) -> None:
    config, workspace = _pipeline(folder), Workspace(folder / "work")
    steps: dict[str, Callable[[], object]] = {
        "first plan": lambda: make_plan(config, workspace, _FIRST),
        "join": lambda: begin_export(config, workspace, _FIRST),
        "next plan": lambda: make_plan(config, workspace, _NEXT),
    }
    before, started = time.process_time(), time.perf_counter()
    steps[step]()
    took = {
        "cpu_s": time.process_time() - before,
        "wall_s": time.perf_counter() - started,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB,
    }
    (folder / "took.json").write_bytes(encode(took))


def _pipeline(folder: Path) -> Pipeline:
    given = {"source": str(folder / "items.csv"), "workspace": str(folder / "work")}
    return Pipeline.model_validate({"name": "rows", "export": {"format": "imagefolder"}} | given)


def _url(number: int) -> str:
    return f"https://media.example.org/streets/{number // 1000}/{number:012}.jpg"


def _write_source(path: Path, size: int) -> None:
    with path.open("w") as file:
        file.write("url,label\n")
        file.writelines(f"{_url(number)},scene-{number % 20}\n" for number in range(size))


def _write_ledgers(folder: Path, size: int) -> None:
    """Writes what download, checksum and transcode would have left for each item."""
    workspace = Workspace(folder / "work")
    stored = workspace.path(_STORED)
    stored.parent.mkdir(parents=True, exist_ok=True)
    stored.write_bytes(bytes(_SIZE_BYTES))
    made = recipe(_pipeline(folder))
    info = MediaInfo("image/jpeg", 1280, 720)
    for start in range(0, size, _SEGMENT):
        name = f"{_FIRST}-{start // _SEGMENT:04}.jsonl"
        paths = (workspace.ledger(stage) / name for stage in ("verified", "media"))
        with segment(next(paths)) as arrived, segment(next(paths)) as media:
            for number in range(start, min(start + _SEGMENT, size)):
                source, digest = Source(str(number), _url(number)), hashlib.sha256(b"%d" % number).hexdigest()
                verified = Verified(source, _STORED, digest, _SIZE_BYTES, etag=f'"{number}"')
                arrived.append(source_key(source), verified)
                kept = Media(verified, _STORED, digest, _SIZE_BYTES, info, info, "kept", "an image", made)
                media.append(media_key(digest, made), kept)


if __name__ == "__main__":
    main(sys.argv[1:])
