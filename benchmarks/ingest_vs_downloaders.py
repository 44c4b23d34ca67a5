"""The ingest beside curl, aria2c, img2dataset and threads of requests: small files, large files, and nothing to do."""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.material import padded, random_files, sha256
from benchmarks.measure import Measurement, measure, scratch
from benchmarks.web import nginx

_CURL = """set -euo pipefail
cd "$1"
curl --parallel --parallel-max 16 --silent --show-error --fail --config curl.txt
sha256sum --check --quiet sums.txt
"""
_ARIA2C = """set -euo pipefail
cd "$1"
aria2c --quiet --max-concurrent-downloads=16 --file-allocation=none --dir=. --input-file=urls.txt
sha256sum --check --quiet sums.txt
"""
_IMG2DATASET = ["--resize_mode=no", "--skip_reencode=True", "--disable_all_reencoding=True", "--output_format=files"]
_IMG2DATASET += ["--thread_count=16", "--compute_hash=sha256", "--enable_wandb=False"]

_MANY = 100


class Job(NamedTuple):
    """What every side is to fetch.

    Attributes:
        title: What it is.
        urls: Where it is.
        sums: sha256 of each.
        size_bytes: Length of it all.
    """

    title: str
    urls: list[str]
    sums: list[str]
    size_bytes: int


Side = Callable[[Path, Job], Measurement]


def main(arguments: Sequence[str] = ()) -> None:
    """Runs the jobs on all sides in turn, round after round, and prints medians."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ingest_vs_downloaders", description=__doc__)
    parser.add_argument("--small", type=int, default=5000, help="files of 50 KB; 0 leaves this job out")
    parser.add_argument("--large", type=int, default=4, help="files of 500 MB; 0 leaves this job out")
    parser.add_argument("--again", type=int, default=10000, help="items of the run that is repeated; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side runs; the median counts")
    parser.add_argument("--img2dataset", metavar="PYTHON", help="the python of an environment that has img2dataset")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "rushes-bench", help="for material")
    options = parser.parse_args(arguments)
    small = padded(options.keep / "padded", max(options.small, options.again))
    large = random_files(options.keep / "random", options.large)
    with scratch() as folder, nginx(folder, options.keep) as url:
        if options.small:
            job = _job(f"{options.small} files of 50 KB", url, options.keep, small[: options.small])
            _compare(job, _sides(options.img2dataset), options.rounds, folder)
        if options.large:
            job = _job(f"{options.large} files of 500 MB", url, options.keep, large)
            _compare(job, _sides(None), options.rounds, folder)
        if options.again:
            job = _job(f"{options.again} items, and again", url, options.keep, small[: options.again])
            _again(job, options.rounds, folder)


def _job(title: str, url: str, root: Path, files: Sequence[Path]) -> Job:
    urls = [url + file.relative_to(root).as_posix() for file in files]
    return Job(title, urls, [sha256(file) for file in files], sum(file.stat().st_size for file in files))


def _sides(img2dataset: str | None) -> dict[str, Side]:
    sides: dict[str, Side] = {"rushes": _rushes, "requests pool": _requests}
    for program, script in (("curl", _CURL), ("aria2c", _ARIA2C)):
        if shutil.which(program):
            sides[f"{program} + sha256sum"] = _shell(script)
        else:
            print(f"{program} is not installed, and left out")
    if img2dataset:
        sides["img2dataset"] = _img2dataset(img2dataset)
    return sides


def _compare(job: Job, sides: dict[str, Side], rounds: int, folder: Path) -> None:
    taken: dict[str, list[Measurement]] = {name: [] for name in sides}
    reports = []
    print(f"\n{job.title}: {rounds} rounds, medians; a load of {os.getloadavg()[0]:.1f} before them", flush=True)
    for _ in range(rounds):
        for name, side in sides.items():
            place = _place(folder, len(job.urls))
            taken[name].append(side(place, job))
            if name == "rushes":
                reports.append(_report(place))
            os.sync()  # what one side wrote is not written back while the next one runs
    print(f"{'':20}{'wall s':>8}{'files/s':>9}{'MB/s':>7}{'ratio':>7}{'CPU s':>7}{'peak MB':>9}")
    ours = taken["rushes"]
    for name, all_ in taken.items():
        wall_s, cpu_s, peak_mb = (median(getattr(one, key) for one in all_) for key in ("wall_s", "cpu_s", "tree_mb"))
        ratio = median(one.wall_s / mine.wall_s for one, mine in zip(all_, ours, strict=True))
        speed = f"{len(job.urls) / wall_s:9.0f}{job.size_bytes / 1e6 / wall_s:7.0f}{ratio:7.2f}"
        print(f"{name:20}{wall_s:8.2f}{speed}{cpu_s:7.1f}{peak_mb:9.0f}", flush=True)
    start_s = median(one.wall_s - report["wall_s"] for one, report in zip(ours, reports, strict=True))
    plan_s, worker_mb = (median(report[key] for report in reports) for key in ("plan_s", "worker_mb"))
    print(f"{'':20}rushes: Python's start {start_s:.2f} s, the plan {plan_s:.2f} s, each worker {worker_mb:.0f} MB")


def _again(job: Job, rounds: int, folder: Path) -> None:
    print(f"\n{job.title}, each with its media probed, in seconds\n{'':20}{'first':>8}{'again':>8}{'share':>8}")
    for _ in range(rounds):
        place = _place(folder, len(job.urls))
        _rushes(place, job, "--media")
        first = _report(place)
        measure(_command(place, "--media"), place)
        again = _report(place)
        share = again["wall_s"] / first["wall_s"]
        print(f"{'rushes':20}{first['wall_s']:8.2f}{again['wall_s']:8.2f}{share:8.2%}", flush=True)


def _rushes(place: Path, job: Job, *options: str) -> Measurement:
    with (place / "items.csv").open("w", encoding="utf-8", newline="") as source:
        writer = csv.writer(source)
        writer.writerow(("url", "checksum"))
        writer.writerows((url, f"sha256:{digest}") for url, digest in zip(job.urls, job.sums, strict=True))
    pipeline = {"name": "bench", "source": "items.csv", "download": {"allow_private_hosts": ["127.0.0.1"]}}
    (place / "pipeline.yaml").write_text(json.dumps(pipeline))  # JSON is YAML
    result = measure(_command(place, *options), place)
    report = _report(place)
    if report["stopped"] or report["bytes"] != job.size_bytes:
        sys.exit(f"rushes: expected {job.size_bytes} bytes and none stopped, got {report}")
    return result


def _report(place: Path) -> dict[str, float]:
    report: dict[str, float] = json.loads((place / "report.json").read_bytes())
    return report


def _command(place: Path, *options: str) -> list[str]:
    worker = [sys.executable, "-m", "benchmarks.ingest_worker"]
    return [*worker, str(place / "pipeline.yaml"), str(place / "report.json"), *options]


def _requests(place: Path, job: Job) -> Measurement:
    rows = zip(job.urls, job.sums, strict=True)
    (place / "list.txt").write_text("".join(f"{url} {digest}\n" for url, digest in rows))
    return measure(
        [sys.executable, "-m", "benchmarks.requests_pool", str(place / "list.txt"), str(place / "in")], place
    )


def _shell(script: str) -> Side:
    def side(place: Path, job: Job) -> Measurement:
        names = [url.rpartition("/")[2] for url in job.urls]
        pairs = zip(job.urls, names, strict=True)
        (place / "curl.txt").write_text("".join(f'url = "{url}"\noutput = "{name}"\n' for url, name in pairs))
        (place / "urls.txt").write_text("".join(f"{url}\n" for url in job.urls))
        sums = zip(job.sums, names, strict=True)
        (place / "sums.txt").write_text("".join(f"{digest}  {name}\n" for digest, name in sums))
        return measure(["bash", "-c", script, "shell", str(place)], place)

    return side


def _img2dataset(python: str) -> Side:
    def side(place: Path, job: Job) -> Measurement:
        (place / "urls.txt").write_text("".join(f"{url}\n" for url in job.urls))
        where = ["--url_list", str(place / "urls.txt"), "--output_folder", str(place / "out")]
        program = Path(python).with_name("img2dataset")
        command = [str(program), *where, *_IMG2DATASET, f"--processes_count={os.cpu_count()}"]
        result = measure(command, place)
        made = sum(1 for _ in (place / "out").rglob("*.jpg"))
        if made != len(job.urls):
            sys.exit(f"img2dataset: {made} of {len(job.urls)} files\n{(place / 'log').read_text()[-2000:]}")
        return result

    return side


def _place(folder: Path, files: int) -> Path:
    """Makes room for one side's files.

    Many small ones stay until the end: ext4 makes no file where one was lately deleted, and looks for other places at
    length, so that a side would pay for those who came before it. Large ones go at once, for they need the room.
    """
    place = folder / "large"
    shutil.rmtree(place, ignore_errors=True)
    if files > _MANY:
        return Path(tempfile.mkdtemp(dir=folder))
    place.mkdir()
    return place


if __name__ == "__main__":
    main(sys.argv[1:])
