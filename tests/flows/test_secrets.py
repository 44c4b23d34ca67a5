"""A server with a password, a secret in a block of Prefect, and a worker: where the secret is, and where it is not."""

from __future__ import annotations

import io
import json
import logging
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.http_server import Handler, Server, ok, serve, status
from tests.prefect_server import patient, prefect_server
from tests.ray_cluster import Cluster, metadata, ray_cluster

ROOT = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect"]
PASSWORD = f"admin:{secrets.token_hex(8)}"
KEY = secrets.token_hex(16)
SAVE = "import sys; from prefect.blocks.system import Secret; Secret(value=sys.argv[2]).save(sys.argv[1])"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


@pytest.fixture(scope="module")
def web() -> Iterator[Server]:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 99, 9)).save(picture, "PNG")
    rows = b"url\na.png\nleak/${ITEMS_KEY}.png\n"

    def items(handler: Handler) -> None:
        (ok(rows) if f"token={KEY}" in handler.path else status(403))(handler)

    with serve({"/items.csv": items, "/a.png": ok(picture.getvalue())}) as server:
        yield server


@pytest.fixture(scope="module")
def api(folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSHES_HOME", os.environ.get("RUSHES_HOME", str(ROOT / ".rushes")))
        patch.setenv("PREFECT_SERVER_API_AUTH_STRING", PASSWORD)
        with prefect_server(folder) as url:
            yield url


@pytest.fixture(scope="module")
def environment(api: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return os.environ | {
        "PREFECT_API_URL": api,
        "PREFECT_API_AUTH_STRING": PASSWORD,
        "PREFECT_HOME": str(tmp_path_factory.mktemp("client")),
        "RUSHES_METRICS_DIR": str(tmp_path_factory.mktemp("metrics")),
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@pytest.fixture(scope="module")
def worker(environment: dict[str, str], folder: Path) -> Iterator[None]:
    for arguments in (["work-pool", "create", "rushes", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        _done([*PREFECT, *arguments], environment)
    _done([sys.executable, "-c", SAVE, "items-key", KEY], environment)
    command = [*PREFECT, "worker", "start", "--pool", "rushes", "--type", "process"]
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
        yield
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def ended(api: str, worker: None, web: Server, folder: Path) -> dict[str, Any]:
    source = web.url("/items.csv") + "?token=${ITEMS_KEY}"
    return _run(api, _config(source, folder), {"ITEMS_KEY": "{{ prefect.blocks.secret.items-key }}"}, folder)


def test_a_run_reads_a_variable_that_a_block_fills(ended: dict[str, Any], web: Server, folder: Path) -> None:
    assert ended["state_type"] == "COMPLETED", (ended["state"], (folder / "worker.log").read_text())
    assert f"/items.csv?token={KEY}" in [request.path for request in web.requests]


def test_rows_read_no_variables(ended: dict[str, Any], web: Server) -> None:
    assert not [request.path for request in web.requests if "leak" in request.path and KEY in request.path]
    assert [request.path for request in web.requests if "leak" in request.path]


def test_the_secret_stands_in_nothing_that_prefect_shows(api: str, ended: dict[str, Any]) -> None:
    body = {"flow_runs": {"id": {"any_": [ended["id"]]}}}
    runs = {"flow_runs": body, "task_runs": body, "artifacts": body}
    questions = runs | {"logs": {"logs": {"flow_run_id": {"any_": [ended["id"]]}}}}
    told: dict[str, Any] = {}
    deadline_s = time.monotonic() + 60
    while not (told and all(told.values())) and time.monotonic() < deadline_s:  # task runs are recorded shortly after
        told = {kind: _asked(api, f"{kind}/filter", question) for kind, question in questions.items()}
    assert all(told.values()), {kind: len(found) for kind, found in told.items()}
    assert KEY not in json.dumps(told)
    lines = [entry for entry in told["logs"] if "http_status" in entry["message"]]
    assert len(lines) == 1, "one line for the one item that failed"
    assert ": failed in download, http_status: " in lines[0]["message"]
    assert lines[0]["level"] == logging.WARNING
    assert "{{ prefect.blocks.secret.items-key }}" in json.dumps(told["flow_runs"])


def test_the_secret_stands_in_no_file_of_workspace_dataset_server_and_worker(
    ended: dict[str, Any], folder: Path
) -> None:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "work/datasets/quiet/manifest.jsonl" in files
    assert folder / "worker.log" in files
    assert [str(path) for path in files if KEY.encode() in path.read_bytes()] == []


def test_a_worker_s_run_leaves_metrics(ended: dict[str, Any], environment: dict[str, str]) -> None:
    told = Path(environment["RUSHES_METRICS_DIR"], "rushes_quiet.prom").read_text()
    assert 'rushes_run_failed{dataset="quiet"} 0\n' in told
    assert 'rushes_run_items{dataset="quiet",status="ok"} 1\n' in told
    assert 'rushes_run_failures{dataset="quiet",code="http_status"} 1\n' in told


def test_deploy_writes_a_value_where_it_is_given_a_block_and_the_block_where_that_comes_from_its_environment(
    api: str, worker: None, environment: dict[str, str], tmp_path: Path
) -> None:
    other = secrets.token_hex(16)
    _done([sys.executable, "-c", SAVE, "other-key", other], environment)
    given = {"told": "{{ prefect.blocks.secret.other-key }}", "quiet": "{{ $ITEMS_KEY_BLOCK }}"}
    deployments = [
        {
            "name": name,
            "entrypoint": "flows.pipeline:pipeline",
            "work_pool": {"name": "rushes", "job_variables": {"env": {"ITEMS_KEY": value}}},
        }
        for name, value in given.items()
    ]
    (tmp_path / "prefect.yaml").write_text(json.dumps({"deployments": deployments}))
    block = "{{ prefect.blocks.secret.items-key }}"
    command = [*PREFECT, "--no-prompt", "deploy", "--all", "--prefect-file", str(tmp_path / "prefect.yaml")]
    _done(command, environment | {"ITEMS_KEY_BLOCK": block})
    found = {name: _asked(api, f"deployments/name/pipeline/{name}")["job_variables"]["env"] for name in given}
    assert found == {"told": {"ITEMS_KEY": other}, "quiet": {"ITEMS_KEY": block}}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(os.environ["RAY_AUTH_TOKEN"]) as found:
        yield found


def test_a_worker_s_run_on_a_cluster_of_other_versions_says_so_in_one_line(
    api: str, worker: None, web: Server, folder: Path, cluster: Cluster
) -> None:
    variables = {"RAY_ADDRESS": cluster.address, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": cluster.token}
    metadata(cluster, "2.59.0 3.10.2")
    found = _run(api, _config(web.url("/a.csv"), folder), variables, folder)
    assert found["state_type"] == "FAILED", found["state"]
    said = found["state"]["message"]
    assert f"VersionMismatchError: {cluster.address}: the cluster runs Ray 2.59.0 on Python 3.10.2" in said
    assert "\n" not in said


@pytest.mark.parametrize("given", [None, "admin:wrong"])
def test_a_command_without_the_password_is_refused_in_one_line(
    api: str, environment: dict[str, str], given: str | None, tmp_path: Path
) -> None:
    (tmp_path / "pipeline.yaml").write_text("name: x\nsource: a.csv\n")
    own = {name: value for name, value in environment.items() if name != "PREFECT_API_AUTH_STRING"}
    own |= {"PREFECT_API_AUTH_STRING": given} if given else {}
    command = [sys.executable, "-m", "cli", "run", str(tmp_path / "pipeline.yaml"), "--json"]
    done = subprocess.run(command, env=own, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"PREFECT_API_URL = '{api}': the Prefect server asks for a password" in done.stderr
    assert "PREFECT_API_AUTH_STRING" in done.stderr
    assert "wrong" not in done.stderr


def test_a_command_with_the_password_runs(environment: dict[str, str], tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (9, 99, 9)).save(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text("url\na.png\n")
    (tmp_path / "pipeline.yaml").write_text("name: x\nsource: items.csv\nexport: {format: imagefolder}\n")
    command = [sys.executable, "-m", "cli", "run", str(tmp_path / "pipeline.yaml"), "--runner", "threads"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _config(source: str, folder: Path) -> dict[str, Any]:
    return {
        "name": "quiet",
        "source": source,
        "workspace": str(folder / "work"),
        "download": {"allow_private_hosts": ["127.0.0.1"], "attempts": 1},
        "export": {"format": "imagefolder"},
        "run": {"max_failed": 0.9},
    }


def _run(api: str, config: dict[str, Any], variables: dict[str, str], folder: Path) -> dict[str, Any]:
    deployment = _asked(api, "deployments/name/pipeline/pipeline")["id"]
    body = {"parameters": {"config": config}, "job_variables": {"env": variables}, "state": {"type": "SCHEDULED"}}
    run = _asked(api, f"deployments/{deployment}/create_flow_run", body)["id"]
    deadline_s = time.monotonic() + 400
    while time.monotonic() < deadline_s:
        found: dict[str, Any] = _asked(api, f"flow_runs/{run}")
        if found["state_type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}:
            return found
        time.sleep(0.5)
    pytest.fail((folder / "worker.log").read_text())


def _asked(api: str, path: str, body: dict[str, Any] | None = None) -> Any:
    method = "GET" if body is None else "POST"
    user, _, password = PASSWORD.partition(":")
    answer = patient().request(method, f"{api}/{path}", json=body, auth=(user, password), timeout=60)
    assert answer.ok, answer.text
    return answer.json()


def _done(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
