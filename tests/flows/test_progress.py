"""The progress artifact of a real server: it moves while batches are at work, and ends whole or says why not."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task

import rushes.progress
from flows.progress import moving
from flows.runner import settle, thread_runner
from rushes.errors import ConfigError
from rushes.pipeline_file import validate
from rushes.progress import telling
from rushes.workspace import Batch, opened
from tests.prefect_server import patient

BATCHES = tuple(Batch(f"ingest-{number:04d}", "run", "runs/run/ingest.jsonl", 0, 5) for number in range(2))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rushes.progress, "_EVERY_S", 0)


class Gate:
    """Holds batches in the middle until a test lets them go on."""

    middle = threading.Event()
    error: BaseException | None = None


@task
def work(place: str, batch: Batch, stage: str) -> None:
    with opened(place) as workspace, telling(workspace, batch, stage) as tell:
        tell(2, 5)
        assert Gate.middle.wait(100)
        if Gate.error and batch is BATCHES[0]:
            raise Gate.error


@flow(task_runner=thread_runner())
def run(place: str, name: str) -> None:
    config = validate({"name": name, "source": "a.csv", "workspace": place}, "test")
    todo = {"download": BATCHES, "transcode": BATCHES[:1]}
    with moving(config, "run", "ingest", todo) as tick:
        settle([[work.submit(place, batch, stage)] for stage, batches in todo.items() for batch in batches], tick)


def artifact(api: str, name: str) -> dict[str, Any]:
    body = {"artifacts": {"key": {"any_": [f"{name}-ingest-progress"]}}}
    found = patient().post(f"{api}/artifacts/filter", json=body, timeout=10).json()
    assert len(found) <= 1
    return found[0] if found else {"data": None, "description": None}


def held(api: str, tmp_path: Path, name: str, error: BaseException | None) -> dict[str, Any]:
    """Runs the flow, and returns its artifact of the moment in which two of five items are done everywhere."""
    Gate.middle.clear()
    Gate.error = error
    found: list[dict[str, Any]] = []

    def look() -> None:
        deadline_s = time.monotonic() + 90
        while time.monotonic() < deadline_s and artifact(api, name)["data"] in {None, 0}:
            time.sleep(0.05)
        found.append(artifact(api, name))
        Gate.middle.set()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        run(str(tmp_path), name)
    finally:
        looking.join()
    return found[0]


def test_it_moves_with_the_items_and_ends_whole(api: str, tmp_path: Path) -> None:
    middle = held(api, tmp_path, "moves", None)
    assert 0 < middle["data"] <= 40
    end = artifact(api, "moves")
    words = "10 of 10 downloaded, 5 of 5 made"
    assert (end["data"], end["description"], end["id"]) == (100, words, middle["id"])


def test_it_says_why_it_stopped(api: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        held(api, tmp_path, "stops", ConfigError("source = a.csv: cannot be read."))
    end = artifact(api, "stops")
    assert end["data"] < 100
    assert end["description"].endswith("made. Stopped: source = a.csv: cannot be read.")


def test_an_interrupted_run_says_that_it_was(api: str, tmp_path: Path) -> None:
    @flow
    def interrupted() -> None:
        config = validate({"name": "interrupted", "source": "a.csv", "workspace": str(tmp_path)}, "test")
        with moving(config, "run", "ingest", {"download": BATCHES}):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert artifact(api, "interrupted")["description"] == "0 of 10 downloaded. Stopped: the run was interrupted"


def test_an_artifact_that_somebody_removed_fails_no_run(api: str, tmp_path: Path) -> None:
    def remove() -> None:
        deadline_s = time.monotonic() + 90
        while time.monotonic() < deadline_s and "id" not in artifact(api, "removed"):
            time.sleep(0.05)
        patient().delete(f"{api}/artifacts/{artifact(api, 'removed')['id']}", timeout=10).raise_for_status()
        Gate.middle.set()

    Gate.middle.clear()
    Gate.error = None
    removing = threading.Thread(target=remove)
    removing.start()
    run(str(tmp_path), "removed")
    removing.join()
    assert "id" not in artifact(api, "removed")


def test_where_nothing_is_to_be_done_there_is_none(api: str, tmp_path: Path) -> None:
    @flow
    def idle() -> None:
        config = validate({"name": "idle", "source": "a.csv", "workspace": str(tmp_path)}, "test")
        with moving(config, "run", "ingest", {"download": ()}) as tick:
            tick()

    idle()
    assert artifact(api, "idle")["data"] is None
