"""The runners on a real Ray: the lean one does what the plain one does, and what breaks is told and not swallowed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from prefect import flow, get_run_logger, runtime, task
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_LOGGING_TO_API_BATCH_INTERVAL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from prefect.task_runners import TaskRunner
from prefect_ray.context import remote_options

from flows.runner import CheckedRayTaskRunner, LeanRayTaskRunner, ray_runner, settle, thread_runner, unless_failed
from rushes.errors import ConfigError, RunFailedError
from rushes.pipeline_file import validate
from rushes.summary.outcome import RunOutcome
from tests.prefect_server import patient

ROOT = Path(__file__).parents[2]
RUNNERS = {"lean": LeanRayTaskRunner, "plain": CheckedRayTaskRunner, "threads": thread_runner}


@pytest.fixture(scope="module", autouse=True)
def cluster(api: str) -> Iterator[None]:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, namespace="prefect")
    yield
    ray.shutdown()


@pytest.fixture(params=RUNNERS)
def runner(request: pytest.FixtureRequest) -> TaskRunner[Any]:
    return RUNNERS[request.param]()


@task
def where(after: object = None) -> tuple[str, str, int]:
    return str(runtime.flow_run.id), PREFECT_API_URL.value(), PREFECT_CLIENT_MAX_RETRIES.value()


@task(retries=2, retry_delay_seconds=0)
def defect() -> None:
    raise KeyError("no such frame")


@task
def refused() -> None:
    raise ConfigError("source = nowhere.csv: cannot be read.")


@task
def talks() -> None:
    get_run_logger().warning("the last word")


@task
def lost() -> None:
    os._exit(1)


@flow
def chained() -> tuple[str, list[Any]]:
    chains = []
    for _ in range(4):
        first = where.submit()
        chains.append([first, where.submit(first)])
    return str(runtime.flow_run.id), settle(chains)


@flow
def talking() -> str:
    settle([[talks.submit()]])
    return str(runtime.flow_run.id)


@flow
def broken(job: str) -> list[Any]:
    with remote_options(max_retries=0):
        first = {"defect": defect, "refused": refused, "lost": lost}[job].submit()
    return settle([[where.submit()], [first, where.submit(first)]])


def test_what_was_tested_gets_the_lean_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(ray_runner(), LeanRayTaskRunner)
    monkeypatch.setattr("flows.runner.version", lambda package: "99.0")
    assert type(ray_runner()) is CheckedRayTaskRunner


_ENTERED = """
import signal
from flows.runner import ray_runner
signal.signal(signal.SIGTERM, told := lambda *_: None)
with ray_runner():
    print(signal.getsignal(signal.SIGTERM) is told)
"""


def test_ray_does_not_take_the_signal_by_which_prefect_cancels() -> None:
    alone = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    done = subprocess.run([sys.executable, "-c", _ENTERED], cwd=ROOT, env=alone, capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_every_task_knows_its_flow_run_and_its_settings(runner: TaskRunner[Any], api: str) -> None:
    for number in (7, 8):  # a worker's process serves one flow run after another
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: number}):
            run, results = chained.with_options(task_runner=runner)()
        assert results == [(run, api, number)] * 4


@pytest.mark.parametrize("kind", [LeanRayTaskRunner, CheckedRayTaskRunner])
def test_what_a_task_logs_last_is_on_the_server_before_its_process_can_end(kind: Any, api: str) -> None:
    seldom = {PREFECT_LOGGING_TO_API_ENABLED: True, PREFECT_LOGGING_TO_API_BATCH_INTERVAL: 100.0}
    with temporary_settings(seldom):
        run = talking.with_options(task_runner=kind())()
        body = {"logs": {"flow_run_id": {"any_": [run]}, "level": {"ge_": 30}}}
        found = patient().post(f"{api}/logs/filter", json=body, timeout=10).json()
    assert [entry["message"] for entry in found] == ["the last word"]


def test_a_batch_that_breaks_is_tried_again_and_then_fails_its_flow(runner: TaskRunner[Any], api: str) -> None:
    state = broken.with_options(task_runner=runner)("defect", return_state=True)
    assert state.is_failed()
    with pytest.raises(RunFailedError, match=r"1 of 2 batches broke .*KeyError: 'no such frame'.*run again"):
        state.result()
    body = {"flow_runs": {"id": {"any_": [str(state.state_details.flow_run_id)]}}}
    deadline = time.monotonic() + 60  # task runs are recorded from events, shortly after
    while time.monotonic() < deadline:
        found = patient().post(f"{api}/task_runs/filter", json=body, timeout=10).json()
        counts = [run["run_count"] for run in found if run["state_type"] == "FAILED"]
        if counts:
            break
        time.sleep(0.2)
    assert counts == [3]


def test_what_rushes_understands_keeps_its_own_words_and_code(runner: TaskRunner[Any]) -> None:
    with pytest.raises(ConfigError, match=r"^source = nowhere.csv: cannot be read.$"):
        broken.with_options(task_runner=runner)("refused")


def test_a_worker_that_dies_fails_the_flow_and_does_not_hang_it() -> None:
    with pytest.raises(RunFailedError, match="1 of 2 batches broke after their retries, first with Crashed"):
        broken.with_options(task_runner=LeanRayTaskRunner())("lost")


@pytest.mark.parametrize(("over_limit", "empty"), [(True, False), (False, True), (False, False)])
def test_a_run_that_failed_by_what_came_of_it_is_raised(over_limit: bool, empty: bool) -> None:
    items = {"planned": 2, "ok": 1, "failed": 1, "skipped": 0, "quarantined": 0}
    ended = RunOutcome("run", items, {"timeout": 1}, {}, over_limit, empty)
    config = validate({"name": "made", "source": "items.csv"}, "test")
    if over_limit or empty:
        with pytest.raises(RunFailedError, match="timeout 1"):
            unless_failed(ended, config)
    else:
        assert unless_failed(ended, config) is ended
