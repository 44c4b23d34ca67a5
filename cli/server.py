"""A Prefect server of this command's own, for as long as the command runs.

It is used where no Prefect API is configured. It listens on loopback, keeps its database in a scratch folder, and
starts from a copy of a database that was migrated once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import requests

from cli.home import rushes_home
from rushes.errors import DependencyError

__all__ = ["own_server"]

_START_S = 120.0
_IDLE_SERVICES = (
    "CANCELLATION_CLEANUP",
    "FOREMAN",
    "LATE_RUNS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "SCHEDULER",
    "TRIGGERS",
)
"""Nothing is scheduled, cancelled or triggered on a server that lives for one run."""


@contextmanager
def own_server(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Starts the server and goes on at once; `ready` waits for it.

    Args:
        folder: For its database and its log.
    """
    database = folder / "prefect.db"
    template = rushes_home() / f"prefect-{version('prefect')}.db"
    if template.exists():
        shutil.copyfile(template, database)
    command = [sys.executable, "-m", "cli.server_process", str(database), str(template)]
    environment = os.environ | _environment(database)
    # A session of its own, because Ctrl-C is for the command, which then ends the server in its own time.
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def ready(process: subprocess.Popen[bytes]) -> str:
    """Waits until the server answers, and returns the URL of its API.

    Raises:
        DependencyError: It ended, or did not answer in time.
    """
    assert process.stdout is not None  # noqa: S101  # for the type checker: it was opened with a pipe
    port = process.stdout.readline().strip().decode()
    url = f"http://127.0.0.1:{port}/api"
    deadline = time.monotonic() + _START_S
    while port and process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return url
        except requests.RequestException:
            time.sleep(0.05)
    raise DependencyError(
        "The Prefect server that this command starts for itself did not come up. Run `rushes doctor`, or set "
        "PREFECT_API_URL to a server that runs."
    )


def _environment(database: Path) -> dict[str, str]:
    off = {f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in _IDLE_SERVICES}
    return off | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_HOME": str(database.parent),
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
