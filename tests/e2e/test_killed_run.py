"""Killing the command at any stage and running it again ends with the same bytes, and leaves nothing behind."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from examples.demo.server import MediaServer, serve
from examples.demo.source import prepare, write_source
from tests.e2e.demo_run import ROOT, digests, environment, prepare_folder, run

_GONE_S = 20.0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[MediaServer]:
    items = prepare(home / "media")
    with serve(home / "media") as running:
        write_source(home / "items.csv", items, home / "media", running)
        yield running


@pytest.fixture(scope="module")
def undisturbed(home: Path, server: MediaServer) -> dict[str, str]:
    whole = run(prepare_folder(home / "whole", home / "items.csv"), "--runner", "threads")
    assert whole.code == 0, whole.stderr
    return digests(whole.dataset)


def reached(pattern: str) -> Callable[[Path], bool]:
    return lambda folder: any(True for _ in folder.glob(pattern))


STAGES = {
    "download": reached("work/incoming/*"),
    "transcode": reached("work/derived/*/*/*"),
    "export": reached(".street-scenes.building/labels/*/*"),
    "aggregate": reached(".street-scenes.building/manifest.jsonl"),
}


def kill_at(pipeline: Path, runner: str, there: Callable[[Path], bool], how: signal.Signals) -> list[psutil.Process]:
    """Runs the command, kills it as soon as a stage is reached, and returns what outlives it."""
    mark = uuid.uuid4().hex
    marked = environment(own_server=runner == "ray") | {"RUSHES_TEST_MARK": mark}
    command = [sys.executable, "-m", "cli", "run", str(pipeline), "--runner", runner]
    process = subprocess.Popen(command, cwd=ROOT, env=marked, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not there(pipeline.parent):
        time.sleep(0.005)
    process.send_signal(how)
    process.wait()
    return gone(mark)


def gone(mark: str) -> list[psutil.Process]:
    """Waits until no process carries the mark, and returns those that still do."""
    deadline = time.monotonic() + _GONE_S
    while (alive := list(_marked(mark))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return alive


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if process.environ().get("RUSHES_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def leftovers(folder: Path) -> list[str]:
    """Returns part files and half-built folders below a run's folder."""
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    return [name for name in names if re.search(r"\.part(\.|$)|\.building|\.old|/incoming/.", name)]


def test_killed_in_every_stage_in_turn_a_run_still_ends_with_the_same_bytes(
    home: Path, undisturbed: dict[str, str]
) -> None:
    pipeline = prepare_folder(home / "threads", home / "items.csv")
    for stage, there in STAGES.items():
        assert kill_at(pipeline, "threads", there, signal.SIGKILL) == [], stage
    ended = run(pipeline, "--runner", "threads")
    assert ended.code == 0, ended.stderr
    assert digests(ended.dataset) == undisturbed
    assert leftovers(pipeline.parent) == []


def test_on_ray_a_killed_run_leaves_no_process_and_goes_on(home: Path, undisturbed: dict[str, str]) -> None:
    pipeline = prepare_folder(home / "ray", home / "items.csv")
    assert kill_at(pipeline, "ray", STAGES["transcode"], signal.SIGKILL) == []
    ended = run(pipeline, "--runner", "ray", own_server=True)
    assert ended.code == 0, ended.stderr
    assert digests(ended.dataset) == undisturbed
    assert leftovers(pipeline.parent) == []
