"""Runs on a cluster that was there before them: what their batches take of a node, and what is refused at once."""

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
import requests
import yaml
from PIL import Image

from tests.e2e.demo_run import HOME, ROOT
from tests.ray_cluster import Cluster, ray_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with ray_cluster(os.environ["RAY_AUTH_TOKEN"], gpu_encoder=1) as found:
        yield found


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    Image.new("RGB", (64, 48), (9, 99, 9)).save(tmp_path / "a.png")
    (tmp_path / "items.csv").write_text('url,annotations\na.png,"[{""class"": ""car"", ""box"": [1, 2, 20, 20]}]"\n')
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump({"name": "parked", "source": "items.csv"}))
    return path


def rushes(cluster: Cluster, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    own = {"RAY_ADDRESS": cluster.address, "RUSHES_HOME": HOME} | variables
    line = [sys.executable, "-m", "cli", *map(str, arguments), "--json"]
    return subprocess.run(line, capture_output=True, text=True, env=cluster.environment() | own, cwd=ROOT, timeout=500)


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.timeout(600)
def test_batches_of_transcodes_and_no_others_take_what_the_pipeline_says(cluster: Cluster, pipeline: Path) -> None:
    asked = ["run.transcode_resources.gpu_encoder=0.5", "run.transcode_memory=64MiB", "run.transcode_cores=2"]
    done = rushes(cluster, "run", pipeline, *(f"--set={one}" for one in asked))
    assert done.returncode == 0, done.stderr
    taken = {}
    deadline_s = time.monotonic() + 60  # the cluster hears of tasks shortly after
    while "export" not in taken and time.monotonic() < deadline_s:
        answer = requests.get(
            f"{cluster.url}/api/v0/tasks?detail=true",
            headers={"Authorization": f"Bearer {cluster.token}"},
            timeout=30,
        )
        tasks = answer.json()["data"]["result"]["result"]
        taken = {task["name"]: task["required_resources"] for task in tasks}
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
