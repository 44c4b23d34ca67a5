"""All parts of a nightly run, each of which can be taken away: a Prefect server that comes back, a worker, deployments.

The server is the one that is started by hand, with its scheduler and its triggers; with `RUSHES_TEST_POSTGRES=1` its
database is a PostgreSQL.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import requests

from cli.processes import end
from rushes.summary.outcome import RunOutcome, load_outcome
from rushes.workspace import Workspace
from tests.e2e.demo_run import HOME, ROOT, digests, rushes
from tests.families import family
from tests.prefect_server import on_postgres, postgres

__all__ = ["ENDED", "Night", "made_apart", "night", "outcomes", "until"]

ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
_PREFECT = [sys.executable, "-m", "prefect"]
_MARK = "RUSHES_TEST_NIGHT"
_PATIENCE_S = 420.0


class Night:
    """The parts, and what is asked of them.

    Attributes:
        folder: For all that they write.
        url: Of the server's API.
        environment: Of all parts, and of commands that use them; whoever adds to it does so before they start.
    """

    def __init__(self, folder: Path, database: str | None, host: str) -> None:
        self.folder, self._host, self._mark = folder, host, uuid.uuid4().hex
        with socket.socket() as probe:
            probe.bind((host, 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://{host}:{self._port}/api"
        self.environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | {
            "PREFECT_API_URL": self.url,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
            "PREFECT_LOGGING_LEVEL": "INFO",
            _MARK: self._mark,
        }
        self._database = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database} if database else {}
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self.log = folder / "log.txt"

    def start_server(self) -> None:
        """Starts the server, on the same port and database each time, and waits until it answers."""
        command = ["server", "start", "--host", self._host, "--port", str(self._port)]
        self._start("server", command, self._database)
        until(lambda: self._parts["server"].poll() is not None or self._answers(), self.log)
        assert self._parts["server"].poll() is None, self.log.read_text()

    def start_worker(self, **environment: str) -> None:
        """Starts a process worker, whose flow runs inherit what is added to its environment."""
        command = ["worker", "start", "--pool", "rushes", "--type", "process", "--name", uuid.uuid4().hex[:8]]
        self._start("worker", command, environment)

    def kill(self, part: str) -> None:
        """Takes a part away, and nothing that it started."""
        process = self._parts.pop(part)
        process.kill()
        process.wait()

    def kill_worker(self) -> None:
        """Takes the worker away, if there is one, and all that runs by it."""
        for process in self.processes("prefect"):
            with suppress(psutil.NoSuchProcess):
                if "worker start" in " ".join(process.cmdline()) or "prefect.engine" in process.cmdline():
                    for one in (*process.children(recursive=True), process):
                        one.kill()
        if worker := self._parts.pop("worker", None):
            worker.wait()

    def register(self) -> None:
        """Registers what the project deploys."""
        for arguments in (["work-pool", "create", "rushes", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
            done = subprocess.run(
                [*_PREFECT, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr

    def deploy(self, entrypoint: str, name: str) -> None:
        """Registers another deployment of the pipeline."""
        like = self.ask("GET", "deployments/name/pipeline/pipeline")
        kept = ("flow_id", "path", "pull_steps", "work_pool_name", "work_queue_name", "parameter_openapi_schema")
        self.ask("POST", "deployments/", {key: like[key] for key in kept} | {"name": name, "entrypoint": entrypoint})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Asks the API, again where the server is busy or away, and returns what it answers."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(requests.RequestException):
                answer = requests.request(method, f"{self.url}/{path}", json=body, timeout=60)
                if answer.status_code < 500:
                    assert answer.ok, answer.text
                    return answer.json() if answer.content else None
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(1)

    def deployment(self, name: str) -> str:
        """Returns a deployment's id."""
        return str(self.ask("GET", f"deployments/name/{name}")["id"])

    def begin(self, name: str, config: dict[str, Any], **more: Any) -> str:
        """Has a deployment run as soon as a worker sees it, and returns the flow run's id."""
        body = {"parameters": {"config": config}, "state": {"type": "SCHEDULED"}} | more
        return str(self.ask("POST", f"deployments/{self.deployment(name)}/create_flow_run", body)["id"])

    def flow_run(self, run: str) -> dict[str, Any]:
        """Returns a flow run as the server knows it."""
        found: dict[str, Any] = self.ask("GET", f"flow_runs/{run}")
        return found

    def ended(self, run: str) -> dict[str, Any]:
        """Waits until a flow run has ended, and returns it."""
        until(lambda: self.flow_run(run)["state_type"] in ENDED, self.log)
        return self.flow_run(run)

    def set_state(self, run: str, **state: Any) -> None:
        """Asks for another state of a flow run, as the UI does."""
        answer = self.ask("POST", f"flow_runs/{run}/set_state", {"state": state})
        assert answer["status"] == "ACCEPT", answer

    def cancel(self, run: str) -> None:
        """Cancels a flow run, as the UI does; one that has not begun is cancelled at once."""
        answer = self.ask("POST", f"flow_runs/{run}/set_state", {"state": {"type": "CANCELLING"}})
        assert answer["status"] == "ACCEPT" or answer["state"]["type"] == "CANCELLED", answer

    def logs(self, run: str) -> str:
        """Returns what the server has of a flow run's log."""
        body = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200}
        return "\n".join(entry["message"] for entry in self.ask("POST", "logs/filter", body))

    def processes(self, *words: str) -> list[psutil.Process]:
        """Returns the processes of these parts, and of all they started, that have such a word in their command."""
        return family(_MARK, self._mark, *words)

    def kill_all(self, *words: str) -> int:
        """Kills the processes that have such a word in their command, and returns how many these were."""
        found = self.processes(*words)
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        return len(found)

    def close(self) -> None:
        """Ends whatever runs."""
        end(_MARK, self._mark, 30)
        for process in self._parts.values():
            process.wait()

    def _start(self, part: str, command: list[str], more: dict[str, str]) -> None:
        with self.log.open("ab") as log:
            self._parts[part] = subprocess.Popen(
                [*_PREFECT, *command], env=self.environment | more, cwd=self.folder, stdout=log, stderr=log
            )

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/health", timeout=10).ok
        except requests.RequestException:
            return False


@contextmanager
def night(folder: Path, host: str = "127.0.0.1", **environment: str) -> Iterator[Night]:
    """Has a server with the project's deployments at hand, and no worker yet.

    Args:
        folder: For all that the parts write.
        host: Where the server listens.
        environment: Of all parts.
    """
    folder.mkdir(exist_ok=True)
    with postgres() if on_postgres() else nullcontext() as database:
        parts = Night(folder, database, host)
        parts.environment |= environment
        home = folder / "prefect"
        home.mkdir()
        if (migrated := Path(HOME) / f"prefect-{version('prefect')}.db").exists():
            shutil.copyfile(migrated, home / "prefect.db")
        try:
            parts.start_server()
            parts.register()
            yield parts
        finally:
            parts.close()


def made_apart(config: dict[str, Any]) -> dict[str, str]:
    """Makes a dataset by the command, on threads, and returns the digests of its files."""
    place = Path(config["workspace"])
    place.mkdir(parents=True, exist_ok=True)
    (place / "pipeline.yaml").write_text(json.dumps(config))
    done = rushes("run", place / "pipeline.yaml", "--runner", "threads", own_server=True)
    assert done.returncode == 0, done.stderr
    return digests(place / "datasets" / config["name"])


def outcomes(work: Path) -> list[RunOutcome]:
    """Returns what the ended runs in a workspace came to, in order."""
    workspace = Workspace(work)
    found = (load_outcome(workspace, folder.name) for folder in sorted(work.glob("runs/*")))
    return [outcome for outcome in found if outcome is not None]


def until(there: Callable[[], object], log: Path | None = None) -> None:
    """Waits for something; a machine may be slow."""
    deadline = time.monotonic() + _PATIENCE_S
    while not there():
        assert time.monotonic() < deadline, log.read_text()[-8000:] if log else "it never came"
        time.sleep(0.1)
