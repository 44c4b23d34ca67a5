"""Runs the command on the demo's media, the way a user would, and reads what it wrote."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import examples.demo
from rushes.summary.verify import UNLISTED

__all__ = ["HOME", "ROOT", "Run", "digests", "environment", "manifest", "prepare_folder", "rushes", "yolo_labels"]

ROOT = Path(__file__).parents[2]
HOME = str(ROOT / ".rushes")
_TIMEOUT_S = 220


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: where its dataset is, and what the command said."""

    dataset: Path
    code: int
    result: dict[str, Any]
    stderr: str


def prepare_folder(folder: Path, items_csv: Path) -> Path:
    """Copies the demo's pipeline file and a source file into a folder, and returns the pipeline file."""
    folder.mkdir()
    shutil.copy(items_csv, folder / "items.csv")
    shutil.copy(Path(examples.demo.__path__[0]) / "pipeline.yaml", folder)
    return folder / "pipeline.yaml"


def environment(*, own_server: bool = False) -> dict[str, str]:
    """Returns a user's environment, with a home inside the clone, so that Prefect's database is migrated once.

    Args:
        own_server: Whether the command starts its own Prefect server, or uses the test session's.
    """
    inherited = {name: value for name, value in os.environ.items() if not own_server or name != "PREFECT_API_URL"}
    return {"RUSHES_HOME": HOME} | inherited


def rushes(*arguments: str | Path, own_server: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the command."""
    command = [sys.executable, "-m", "cli", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment(own_server=own_server),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )


def run(pipeline: Path, *arguments: str, dataset: str = "street-scenes", own_server: bool = False) -> Run:
    """Runs a pipeline with `--json`."""
    done = rushes("run", pipeline, "--json", *arguments, own_server=own_server)
    lines = done.stdout.splitlines()
    assert lines, f"exit code {done.returncode} and nothing on standard output; standard error:\n{done.stderr}"
    return Run(pipeline.parent / dataset, done.returncode, json.loads(lines[-1]), done.stderr)


def manifest(dataset: Path) -> list[dict[str, Any]]:
    """Returns the manifest's rows."""
    return [json.loads(line) for line in (dataset / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]


def digests(dataset: Path) -> dict[str, str]:
    """Returns the sha256 of every file whose bytes may not differ between runs."""
    return {
        path.relative_to(dataset).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(dataset.rglob("*"))
        if path.is_file() and path.relative_to(dataset).as_posix() not in UNLISTED
    }


def yolo_labels(
    dataset: Path, names: list[str], size: tuple[int, int], image: Path
) -> Iterator[tuple[str, list[float]]]:
    """Yields class and box in pixels of each row that belongs to an image."""
    file = dataset / "labels" / image.relative_to(dataset / "images").with_suffix(".txt")
    for line in file.read_text().splitlines():
        index, cx, cy, w, h = line.split()
        width, height = float(w) * size[0], float(h) * size[1]
        yield names[int(index)], [float(cx) * size[0] - width / 2, float(cy) * size[1] - height / 2, width, height]
