"""A Prefect server for tests: the command's own on SQLite, or, with `RUSHES_TEST_POSTGRES=1`, one on PostgreSQL.

The latter is how a server for many is run, and needs PostgreSQL's programs on this machine. PostgreSQL refuses to run
as root, so there it becomes another user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from cli.server import own_server, ready

__all__ = ["on_postgres", "patient", "postgres", "prefect_server"]

_START_S = 180.0


def on_postgres() -> bool:
    """Tells whether tests were asked to use PostgreSQL."""
    return os.environ.get("RUSHES_TEST_POSTGRES") == "1"


def patient() -> requests.Session:
    """Returns what asks again where a server is busy: on SQLite it is when two write at once, and says 503."""
    session = requests.Session()
    retry = Retry(total=20, backoff_factor=0.1, status_forcelist=[503], allowed_methods=None)
    session.mount("http://", HTTPAdapter(max_retries=retry))
    return session


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """Has a server at hand while the block runs, and gives the URL of its API.

    Args:
        folder: For its database and its log.
    """
    if not on_postgres():
        with own_server(folder) as process:
            yield ready(process)
        return
    with postgres() as database, _on(database, folder) as url:
        yield url


@contextmanager
def postgres() -> Iterator[str]:
    """Has a new PostgreSQL on loopback at hand, and gives its URL as Prefect wants it."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([*map(str, reversed(programs)), os.environ["PATH"]])
    root = os.getuid() == 0
    account = pwd.getpwnam("postgres") if root else None
    with tempfile.TemporaryDirectory(prefix="rushes-pg-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        if account:
            shutil.chown(folder, account.pw_uid, account.pw_gid)

        def run(program: str, *arguments: str) -> None:
            command = [str(shutil.which(program, path=path)), *arguments]
            user = account.pw_uid if account else None
            subprocess.run(command, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL, timeout=60)

        data = str(folder / "data")
        run("initdb", "--pgdata", data, "--auth=trust", "--username=prefect", "--no-sync")
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", f"{data}.log", "--options", options)
        try:
            yield f"postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "stop", "--mode=immediate", "--pgdata", data)


@contextmanager
def _on(database: str, folder: Path) -> Iterator[str]:
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    environment = os.environ | {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
        "PREFECT_HOME": str(folder),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        (folder / "server.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait(url, process, folder / "server.log")
            yield url
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
