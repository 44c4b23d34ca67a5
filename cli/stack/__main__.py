"""All parts on one machine: `python -m cli.stack up`, `down` and `status`, which `make` calls.

supervisord keeps them running; which they are stands in deployments/local/supervisord.conf. Logs, the server's database
and Ray's token are below `RUSHES_HOME`; sockets, whose names must be short, in a folder of /tmp. All that is started
carries that folder's name in its environment, so that `down` ends all of it and nothing else.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path

import requests

from cli.home import rushes_home
from cli.output import note, say
from cli.processes import end
from cli.stack.parts import MARK, ROOT, Parts
from rushes.errors import ConfigError, DependencyError, RushesError

__all__ = ["main"]

_START_S = 300.0
_STOP_S = 90.0
_RUNS_S = 30.0
_INTERRUPTED = 130
_GIVEN = "given.json"
_RUN = b"prefect.engine"  # is what a process worker starts for each run


def main(arguments: Sequence[str]) -> int:
    """Does what it is asked to, and returns the exit code."""
    actions: dict[str, Callable[[Parts], None]] = {"up": _up, "down": _down, "status": _status}
    try:
        actions[arguments[0]](Parts(os.environ))
    except RushesError as error:
        note(f"rushes: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        note("Interrupted. What has started goes on: `make up` waits for it again, and `make down` ends it.")
        return _INTERRUPTED
    return 0


def _up(parts: Parts) -> None:
    for folder in (parts.data, parts.data / "logs", parts.data / "prefect"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(parts):
        anew = not parts.running
        if anew:
            _prepare(parts)
            parts.start()
        else:
            _need_the_same(parts)
        note("Waiting for Prefect and Ray.")
        _wait(parts, "server", lambda: requests.get(f"{parts.url}/api/health", timeout=5).ok)
        if anew:
            _ask_server(parts, sys.executable, "-m", "cli.stack.lost_runs")
        _ask_server(parts, "sh", "deployments/register.sh")
        parts.control("start", "worker")
        _wait(parts, "ray-worker:*", lambda: _ray_answers(parts))
        _wait(parts, "worker", lambda: "RUNNING" in parts.control("status", "worker").stdout)
    say(f"Open {parts.url} : the deployments are there, and a schedule is off until you resume it.")
    say("For commands in this shell:")
    for line in parts.exports():
        say(f"  {line}")


@contextmanager
def _alone(parts: Parts) -> Iterator[None]:
    """Lets one `make up` be at work at a time; the kernel takes the lock back when its process ends."""
    with (parts.data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            note("Waiting for another `make up` to end.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _need_ports(parts: Parts) -> None:
    """Refuses a port that another program has; none is ours, for what a killed supervisord left has ended."""
    for name, host in (("PORT", "127.0.0.1"), ("DASHBOARD_PORT", "127.0.0.1"), ("RAY_PORT", "127.0.0.2")):
        port = parts.given[name]
        try:
            socket.create_server((host, port)).close()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise ConfigError(
                f"{MARK}_{name} = {port}: cannot listen on {host}:{port} ({reason}). "
                f"End what has this port, or choose another: {MARK}_{name}=PORT make up"
            ) from None


def _need_the_same(parts: Parts) -> None:
    """Refuses other ports, or another number of nodes, than those of what is up."""
    there = json.loads((parts.folder / _GIVEN).read_text())
    for name, value in parts.given.items():
        if there[name] != value:
            raise ConfigError(
                f"{MARK}_{name} = {value}: what is up was started with {there[name]}. `make down` first, or set "
                f"{MARK}_{name}={there[name]}."
            )


def _prepare(parts: Parts) -> None:
    """Makes the folder, Ray's token, and the server's database from one that was migrated before, if there is one."""
    end(MARK, str(parts.folder), _STOP_S)  # what a supervisord that was killed has left
    _need_ports(parts)
    shutil.rmtree(parts.folder, ignore_errors=True)
    try:
        parts.folder.mkdir(mode=0o700)
    except FileExistsError:
        raise DependencyError(
            f"{parts.folder}: is there already, and cannot be removed: somebody else has made it. Have them remove it."
        ) from None
    (parts.folder / _GIVEN).write_text(json.dumps(parts.given))
    if not parts.token.exists():
        parts.token.touch(mode=0o600)
        parts.token.write_text(secrets.token_hex(32))
    database, template = parts.data / "prefect/prefect.db", rushes_home() / f"prefect-{version('prefect')}.db"
    if template.exists() and not database.exists():
        shutil.copyfile(template, database)
    elif not database.exists():
        note("The first start makes a database, which takes half a minute.")


def _wait(parts: Parts, part: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        with suppress(requests.RequestException):
            if ready():
                return
        if "FATAL" in (state := parts.control("status", part).stdout):
            raise DependencyError(f"{state.strip()}. Its log is in {parts.data / 'logs'}; `make down` ends the others.")
        if not parts.running:
            raise DependencyError(f"{part} was ended before it was up, with all the others. Do it again: make up")
        time.sleep(0.5)
    raise DependencyError(f"{part} did not come up in {_START_S:.0f} s. Its log is in {parts.data / 'logs'}.")


def _ray_answers(parts: Parts) -> bool:
    """Tells whether the cluster has a node that takes tasks."""
    command = [
        sys.executable,
        "-c",
        "import ray; ray.init(log_to_driver=False); assert ray.cluster_resources().get('CPU')",
    ]
    environment = parts.environment() | parts.client
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:  # Ray waits long for a head that is not there yet
        return False


def _ask_server(parts: Parts, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=parts.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DependencyError(
            f"`{' '.join(command)}` failed, so the deployments are not registered: {done.stdout.strip()[-800:]} "
            f"The server's log is in {parts.data / 'logs'}; then do it again: make up"
        )


def _status(parts: Parts) -> None:
    if parts.running:
        say(parts.control("status").stdout.strip())
    elif parts.processes():
        say("Parts are up, but what keeps them running has died. `make up` starts all anew, `make down` ends them.")
    else:
        say("Nothing is up.")


def _down(parts: Parts) -> None:
    """Asks all parts to end, waits for them, and ends what did not."""
    if not (parts.folder.exists() or parts.processes()):
        say("Nothing was up.")
        return

    if runs := _end_runs(parts):  # the worker would kill them, and tell nobody
        note(f"Runs that were under way: {runs}. They end as crashed, and what they did is kept: start them again.")
    if kept := parts.running:
        parts.control("shutdown")
    deadline = time.monotonic() + _STOP_S
    while kept and parts.processes() and time.monotonic() < deadline:
        time.sleep(0.2)
    end(MARK, str(parts.folder), _STOP_S)
    shutil.rmtree(parts.folder, ignore_errors=True)
    say("All that `make up` started has ended.")


def _end_runs(parts: Parts) -> int:
    """Asks runs to end while their server can still be told, and returns how many there were."""
    asked = [process for process in parts.processes() if _is_run(process)]
    for process in asked:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + _RUNS_S
    while any(map(_is_run, asked)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return len(asked)


def _is_run(process: int) -> bool:
    with suppress(OSError):  # gone
        return _RUN in Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
