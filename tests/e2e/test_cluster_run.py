"""Runs on a cluster that was there before them: what their batches take of a node, and what is refused at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from PIL import Image

from rushes import __version__
from tests.e2e.demo_run import HOME, ROOT
from tests.ray_cluster import Cluster, ray_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(os.environ["RAY_AUTH_TOKEN"], gpu_encoder=1) as found:
        yield found


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, which the nodes of a second cluster run."""
    folder = tmp_path_factory.mktemp("copied")
    for package in ("rushes", "tasks", "flows"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def other(copied: Path) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PYTHONPATH", str(copied))
        found = stack.enter_context(ray_cluster(os.environ["RAY_AUTH_TOKEN"]))
        patch.delenv("PYTHONPATH")
        yield found


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), (9, 99, 9)).save(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text('url,annotations\na.png,"[{""class"": ""car"", ""box"": [1, 2, 20, 20]}]"\n')
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump({"name": "parked", "source": "items.csv"}))
    return path


def rushes(
    cluster: Cluster, *arguments: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    own = {"RAY_ADDRESS": cluster.address, "RUSHES_HOME": HOME} | variables
    line = [sys.executable, "-m", "cli", *map(str, arguments), "--json"]
    return subprocess.run(line, capture_output=True, text=True, env=cluster.environment() | own, cwd=cwd, timeout=500)


def tasks(cluster: Cluster) -> list[dict[str, Any]]:
    bearer = {"Authorization": f"Bearer {cluster.token}"}
    answer = requests.get(f"{cluster.url}/api/v0/tasks?detail=true", headers=bearer, timeout=30)
    found: list[dict[str, Any]] = answer.json()["data"]["result"]["result"]
    return found


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(600)
def test_what_a_node_says_of_an_item_reaches_the_server_of_the_run(cluster: Cluster, pipeline: Path) -> None:
    with pipeline.with_name("items.csv").open("a") as items:
        items.write("vanished.png,\n")
    done = rushes(cluster, "run", pipeline, "--set=run.max_failed=0.5")
    assert done.returncode == 0, done.stderr
    warnings = {"logs": {"level": {"ge_": 30}}, "sort": "TIMESTAMP_DESC", "limit": 200}
    told: list[str] = []
    deadline_s = time.monotonic() + 60  # the node has no server of its own to look for: only its tasks know of one
    while not told and time.monotonic() < deadline_s:
        said = requests.post(f"{os.environ['PREFECT_API_URL']}/logs/filter", json=warnings, timeout=60).json()
        told = [line["message"] for line in said if "vanished" in line["message"]]
        time.sleep(0.5)
    assert told, done.stderr


@pytest.mark.timeout(600)
def test_batches_of_transcodes_and_no_others_take_what_the_pipeline_says(cluster: Cluster, pipeline: Path) -> None:
    asked = ["run.transcode_resources.gpu_encoder=0.5", "run.transcode_memory=64MiB", "run.transcode_cores=2"]
    before = {task["job_id"] for task in tasks(cluster)}
    done = rushes(cluster, "run", pipeline, *(f"--set={one}" for one in asked))
    assert done.returncode == 0, done.stderr
    taken = {}
    deadline_s = time.monotonic() + 60  # the cluster hears of tasks shortly after
    while "export" not in taken and time.monotonic() < deadline_s:
        taken = {task["name"]: task["required_resources"] for task in tasks(cluster) if task["job_id"] not in before}
    assert taken["transcode"] == {"CPU": 2, "gpu_encoder": 0.5, "memory": 64 * 2**20}
    assert taken["download"] == taken["checksum"] == taken["export"] == {"CPU": 1}


@pytest.mark.parametrize("command", ["run", "ingest"])
def test_what_no_node_has_is_refused_in_one_line_before_anything_is_done(
    cluster: Cluster, pipeline: Path, command: str
) -> None:
    done = rushes(cluster, command, pipeline, "--set=run.transcode_cores=64")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "run.transcode_cores = 64: no node of the Ray cluster has as much; there is 1 with 2 cores" in done.stderr
    assert "gpu_encoder 1" in done.stderr
    assert result(done)["error"]["code"] == "bad_config"
    assert not any(pipeline.parent.glob("work/runs/*"))


def test_threads_say_that_they_reserve_nothing(cluster: Cluster, pipeline: Path) -> None:
    done = rushes(cluster, "run", pipeline, "--runner=threads", "--set=run.transcode_resources.gpu_encoder=8")
    assert done.returncode == 0, done.stderr
    assert "warning: run.transcode_resources: of no use with --runner threads" in done.stderr


@pytest.mark.parametrize(
    ("file", "more", "said"),
    [
        (
            "rushes/plan.py",
            "# as it was a week ago",
            rf"has rushes {__version__} \(code \w+\), and the driver has rushes",
        ),
        ("rushes/__init__.py", "raise ImportError", "has no rushes that it can import, and the driver has rushes"),
    ],
)
def test_nodes_with_other_code_than_the_driver_s_are_refused_in_one_line(
    other: Cluster, copied: Path, pipeline: Path, file: str, more: str, said: str
) -> None:
    # Not in the project's folder, which Ray would put before all else that a node imports from.
    with (copied / file).open("a") as code:
        code.write(f"\n{more}\n")
    done = rushes(other, "run", pipeline, cwd=pipeline.parent)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert re.search(said, done.stderr)
    assert "`rushes jobs submit`" in done.stderr
    assert result(done)["error"]["code"] == "version_mismatch"
