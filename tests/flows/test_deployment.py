"""A run triggered from a deployment, over the Prefect API, by a process worker: the way it is used every night."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from examples.demo.server import MediaServer, serve
from examples.demo.source import prepare, write_source
from tests.prefect_server import patient, prefect_server

ROOT = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect"]
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployment")


@pytest.fixture(scope="module")
def media(folder: Path) -> Iterator[MediaServer]:
    items = prepare(folder / "media")
    with serve(folder / "media") as server:
        write_source(folder / "items.csv", items[:4] + items[-2:], folder / "media", server)
        yield server


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSHES_HOME", os.environ.get("RUSHES_HOME", str(ROOT / ".rushes")))
        with prefect_server(folder) as url:
            yield url


@pytest.fixture(scope="module")
def environment(folder: Path, api: str) -> dict[str, str]:
    return os.environ | {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(folder / "prefect"),
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture(scope="module")
def deployed(environment: dict[str, str]) -> None:
    for arguments in (["work-pool", "create", "rushes", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        done = subprocess.run([*PREFECT, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def worker(environment: dict[str, str], deployed: None, folder: Path) -> Iterator[None]:
    command = [*PREFECT, "worker", "start", "--pool", "rushes", "--type", "process"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        yield
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def flow_run(api: str, worker: None, media: MediaServer, folder: Path) -> dict[str, Any]:
    config = {
        "name": "nightly.run",
        "source": str(folder / "items.csv"),
        "workspace": str(folder / "work"),
        "download": {"allow_private_hosts": ["127.0.0.1"], "attempts": 1},
        "profiles": {"quick": {"profile": "web", "preset": "ultrafast"}},
        "transcode": {"profile": "quick"},
        "frames": "annotated",
        "run": {"max_failed": 0.9},
    }
    return _ended(api, _started(api, "pipeline", {"config": config}), folder)


def _started(api: str, name: str, parameters: dict[str, Any]) -> str:
    deployment = patient().get(f"{api}/deployments/name/{name}/{name}", timeout=10).json()["id"]
    url = f"{api}/deployments/{deployment}/create_flow_run"
    body = {"parameters": parameters, "state": {"type": "SCHEDULED"}}
    for _ in range(5):  # a busy SQLite is not what this is about
        created = patient().post(url, json=body, timeout=30)
        if created.status_code < 500:
            break
        time.sleep(2)
    assert created.ok, created.text
    return str(created.json()["id"])


def _ended(api: str, run_id: str, folder: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        found: dict[str, Any] = patient().get(f"{api}/flow_runs/{run_id}", timeout=10).json()
        if found["state_type"] in _ENDED:
            return found
        time.sleep(0.5)
    pytest.fail((folder / "worker.log").read_text())


def test_the_run_completes_and_its_name_tells_dataset_and_date(flow_run: dict[str, Any], folder: Path) -> None:
    assert flow_run["state_type"] == "COMPLETED", (flow_run["state"], (folder / "worker.log").read_text())
    assert flow_run["name"].startswith("nightly.run 20")
    dataset = folder / "work/datasets/nightly.run"
    assert (dataset / "manifest.jsonl").exists()
    made = json.loads((dataset / "export_summary.json").read_text())["transcode"]
    assert (made["profile"], made["preset"], made["crf"]) == ("quick", "ultrafast", 23)


def test_its_task_runs_are_visible_with_names_tags_and_states(api: str, flow_run: dict[str, Any]) -> None:
    time.sleep(2)  # task runs are recorded from events, shortly after the run
    body = {"flow_runs": {"id": {"any_": [flow_run["id"]]}}}
    runs = patient().post(f"{api}/task_runs/filter", json=body, timeout=10).json()
    names = {run["name"].split()[0] for run in runs}
    assert names == {"plan", "download", "checksum", "transcode", "export", "aggregate"}
    assert {run["state_type"] for run in runs} == {"COMPLETED"}
    assert all("rushes" in run["tags"] for run in runs)
    retries = {run["name"].split()[0]: run["empirical_policy"]["retries"] for run in runs}
    assert retries["download"] == retries["transcode"] == 2


def test_its_artifacts_say_what_came_of_it_and_what_failed(api: str, flow_run: dict[str, Any]) -> None:
    artifacts = patient().post(f"{api}/artifacts/filter", json={}, timeout=10).json()
    data = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert "planned = 6 ok + " in data["nightly-run-summary"]
    assert "http_status" in data["nightly-run-failures"]


def test_a_wrong_parameter_is_refused_by_the_server(api: str, deployed: None) -> None:
    deployment = patient().get(f"{api}/deployments/name/pipeline/pipeline", timeout=10).json()["id"]
    url = f"{api}/deployments/{deployment}/create_flow_run"
    wrong = {"config": {"name": "x", "source": "a.csv", "run": {"max_failed": "lots"}}}
    assert patient().post(url, json={"parameters": wrong}, timeout=10).status_code == 409
    wrong = {"config": {"name": "x", "source": "a.csv", "profiles": {"quick": {"crf": "low"}}}}
    assert patient().post(url, json={"parameters": wrong}, timeout=10).status_code == 409


def test_a_dataset_is_verified_by_a_deployment_which_fails_where_a_file_differs(
    api: str, flow_run: dict[str, Any], folder: Path
) -> None:
    (folder / "work/datasets/nightly.run/classes.txt").write_text("other\n")
    run = _started(api, "verify", {"dataset": str(folder / "work/datasets/nightly.run")})
    ended = _ended(api, run, folder)
    assert ended["state_type"] == "FAILED", ended["state"]
    assert "is not as it was written: 1 changed, first changed: classes.txt" in ended["state"]["message"]
    assert ended["name"].startswith("nightly.run 20")
    artifacts = patient().post(f"{api}/artifacts/filter", json={}, timeout=10).json()
    data = {artifact["key"]: artifact["data"] for artifact in artifacts}
    assert "**The dataset differs.**" in data["nightly-run-verification"]
    [row] = json.loads(data["nightly-run-differences"])
    assert row["what"] == "changed"
    assert row["file"].startswith("classes.txt")
