"""Verifying a dataset, beside sha256sum."""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measure import in_turn, print_beside, scratch
from rushes.files.sums import checksum_lines
from rushes.jsonl import write_lines
from rushes.records import ManifestRow
from rushes.summary.publish import CHECKSUMS, MANIFEST
from rushes.summary.verify import verify_dataset

_BASE = "sha256sum -c"


def main(arguments: Sequence[str] = ()) -> None:
    """Verifies many small files, and a few large ones, on all sides in turn, and prints seconds and ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks verify_vs_sha256sum", description=__doc__)
    parser.add_argument("--small", type=int, default=20_000, help="files of 50 KB")
    parser.add_argument("--large", type=int, default=16, help="files of 100 MB")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs")
    options = parser.parse_args(arguments)
    for count, size_bytes in ((options.small, 50_000), (options.large, 100_000_000)):
        print(f"\n{count} files of {size_bytes} bytes; a load of {os.getloadavg()[0]:.1f} before", flush=True)
        with scratch() as folder:
            _dataset(folder, count, size_bytes)
            subprocess.run(["sh", "-c", "cat images/* > /dev/null"], cwd=folder, check=True)  # all of it is in memory
            print_beside(in_turn(_sides(folder), options.rounds), _BASE, faster=True)


def _dataset(folder: Path, count: int, size_bytes: int) -> None:
    (folder / "images").mkdir()
    digests = {}
    for number in range(count):
        content = os.urandom(size_bytes)
        name = f"images/{number:06d}.jpg"
        (folder / name).write_bytes(content)
        digests[name] = hashlib.sha256(content).hexdigest()
    rows = (
        ManifestRow(name, "file:///x.jpg", "ok", "export", path=name, sha256=digest, size_bytes=size_bytes)
        for name, digest in digests.items()
    )
    write_lines(folder / MANIFEST, rows)
    digests[MANIFEST] = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    (folder / CHECKSUMS).write_text("".join(checksum_lines(digests)))


def _sides(folder: Path) -> dict[str, Callable[[], object]]:
    spread = "printf %s\\\\0 images/* | xargs -0 -n 64 -P $(nproc) sha256sum > /dev/null"

    def verified() -> None:
        if not verify_dataset(folder).intact:
            sys.exit("the dataset differs")

    return {
        _BASE: _command(folder, "sha256sum", "--quiet", "-c", CHECKSUMS),
        "xargs -P, hashing alone": _command(folder, "sh", "-c", spread),
        "rushes verify": _command(folder, sys.executable, "-m", "cli", "verify", str(folder)),
        "rushes.summary, no start": verified,
    }


def _command(folder: Path, *command: str) -> Callable[[], object]:
    root = str(Path(__file__).parents[1])

    def run() -> None:
        place = root if command[0] == sys.executable else folder
        subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL)

    return run
