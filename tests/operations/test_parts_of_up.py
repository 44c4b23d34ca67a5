"""`make up` where its parts die, or are ended while a run is at work: nothing is left over, and nothing is held up."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cli.processes import carrying
from cli.stack.parts import place
from rushes.cluster import RayClient
from tests.e2e.demo_run import HOME, ROOT
from tests.operations.slow import settings, slow_ffmpeg
from tests.ray_cluster import free_ports

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made for Linux: its parts have addresses of lo"),
    pytest.mark.timeout(1800),
]
_PATIENCE_S = 400


class _Up:
    """What is up from a home of its own, on ports that nobody else has."""

    def __init__(self, home: Path, ffmpeg: str) -> None:
        self.home = home
        self.folder = place(home)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RAY_"))}
        names = ("PORT", "RAY_PORT", "DASHBOARD_PORT")
        ports = {f"RUSHES_UP_{name}": str(port) for name, port in zip(names, free_ports(3), strict=True)}
        self.environment = inherited | ports | {"RUSHES_HOME": str(home), "RUSHES_FFMPEG": ffmpeg}

    def stack(self, action: str) -> subprocess.CompletedProcess[str]:
        return self._run("cli.stack", action)

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        url = f"http://127.0.0.1:{self.environment['RUSHES_UP_PORT']}/api"
        return self._run("prefect", *arguments, PREFECT_API_URL=url, PREFECT_HOME=str(self.home / "prefect"))

    def _run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        line, environment = [sys.executable, "-m", *arguments], self.environment | more
        return subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def begin(self, media: Path, work: Path) -> str:
        """Begins a run, waits until an encoder is at work, and returns the run's id."""
        parameters = json.dumps({"config": settings(media, work, 0)})
        done = self.prefect("deployment", "run", "pipeline/pipeline", "--params", parameters)
        assert done.returncode == 0, done.stdout + done.stderr
        until(lambda: any(work.glob("derived/*/*/.*.part.mp4")))
        found = re.search(r"UUID: ([0-9a-f-]{36})", done.stdout)
        assert found is not None, done.stdout
        return found[1]

    def state(self, run: str) -> tuple[str, str]:
        """Returns a run's state and what it says, also when no server is there."""
        with closing(sqlite3.connect(self.home / "up/prefect/prefect.db")) as database:
            query = "SELECT type, message FROM flow_run_state WHERE flow_run_id IN (?, ?) ORDER BY timestamp DESC"
            kind, message = database.execute(query, (run, run.replace("-", ""))).fetchone()
        return str(kind), str(message)

    def processes(self) -> list[int]:
        return [*carrying("RUSHES_UP", str(self.folder))]

    def pid(self, part: str) -> int | None:
        """Returns the process of a part that runs."""
        found = re.search(rf"^{part} +RUNNING +pid (\d+)", self.stack("status").stdout, re.MULTILINE)
        return int(found[1]) if found else None


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Up]:
    home = tmp_path_factory.mktemp("up")
    for database in Path(HOME).glob("prefect-*.db"):  # migrating one takes half a minute
        (home / database.name).write_bytes(database.read_bytes())
    found = _Up(home, slow_ffmpeg(tmp_path_factory.mktemp("bin")))
    try:
        done = found.stack("up")
        assert done.returncode == 0, done.stdout + done.stderr
        yield found
    finally:
        found.stack("down")


def test_a_part_that_is_killed_comes_again(up: _Up) -> None:
    before = up.pid("server")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    until(lambda: up.pid("server") not in (None, before))


def test_a_job_has_its_folder_on_the_head_also_after_a_node_has_unpacked_it(up: _Up, tmp_path: Path) -> None:
    (tmp_path / "job.py").write_text(
        "import os, ray\n"
        "ray.init()\n"
        "print('there:', *ray.get(ray.remote(lambda: os.listdir()).remote()))\n"
        "print('here:', *os.listdir(os.getcwd()))\n"
    )
    token = (up.home / "up/ray-token").read_text()
    cluster = RayClient(f"http://127.0.0.1:{up.environment['RUSHES_UP_DASHBOARD_PORT']}", token=token)
    job_id = cluster.submit_job("python job.py", runtime_env={"working_dir": str(tmp_path)})
    lines = list(cluster.tail_job_logs(job_id, stream_timeout=120))
    assert {"there: job.py", "here: job.py"} <= set(lines), lines


def test_up_with_another_port_than_what_is_up_is_refused(up: _Up) -> None:
    there = up.environment["RUSHES_UP_PORT"]
    up.environment["RUSHES_UP_PORT"] = "4199"
    try:
        done = up.stack("up")
    finally:
        up.environment["RUSHES_UP_PORT"] = there
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert f"was started with {there}" in done.stderr


def test_up_after_supervisord_was_killed_starts_anew_and_ends_the_run_that_was_under_way(
    up: _Up, media: Path, tmp_path: Path
) -> None:
    run = up.begin(media, tmp_path / "work")
    before = up.processes()
    os.kill(int((up.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    until(lambda: "what keeps them running has died" in up.stack("status").stdout)
    done = up.stack("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not set(before) & set(up.processes())
    kind, message = up.state(run)
    assert kind == "CRASHED"
    assert "start it again" in message


def test_down_in_mid_run_has_the_run_tell_its_server_and_leaves_nothing(up: _Up, media: Path, tmp_path: Path) -> None:
    run = up.begin(media, tmp_path / "work")
    done = up.stack("down")
    assert done.returncode == 0
    assert "Runs that were under way: 1." in done.stderr
    kind, message = up.state(run)
    assert kind == "CRASHED"
    assert "start it again" not in message  # it has said so itself
    assert up.processes() == []
    assert not up.folder.exists()


def until(true: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.5)
