"""All parts on one machine: `python -m cli.stack up`, `down` and `status`, which `make` calls.

supervisord keeps them running; which they are stands in deployments/local/supervisord.conf. Logs, the server's database
and Ray's token are below `RUSHES_HOME`; sockets, whose names must be short, in a folder of /tmp. All that is started
carries that folder's name in its environment, so that `down` ends all of it and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import requests

from cli.home import rushes_home
from cli.output import note, say
from cli.processes import carrying, end
from rushes.errors import ConfigError, DependencyError, RushesError

__all__ = ["main", "place"]

_ROOT = Path(__file__).parents[1]
_CONFIG = _ROOT / "deployments/local/supervisord.conf"
_MARK = "RUSHES_UP"
_START_S = 300.0
_STOP_S = 90.0


def place(home: Path) -> Path:
    """Returns where the sockets are of what is up from this home; a socket's name has 107 bytes at most."""
    name = hashlib.sha256(str(home / "up").encode()).hexdigest()[:8]
    return Path(f"/tmp/rushes-up-{os.getuid()}-{name}")  # noqa: S108  # TMPDIR is often too long; made with mode 0700


class _Stack:
    """Where everything stands, and the environment that all parts share."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.data = rushes_home() / "up"
        self.folder = place(rushes_home())
        self.port, self.ray_port, self.dashboard_port = (
            environ.get(f"{_MARK}_{part}", default)
            for part, default in (("PORT", "4200"), ("RAY_PORT", "6380"), ("DASHBOARD_PORT", "8265"))
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = self.data / "ray-token"
        self.client = {
            "PREFECT_API_URL": f"{self.url}/api",
            "RAY_ADDRESS": f"127.0.0.2:{self.ray_port}",
            "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{self.dashboard_port}",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
        }

    def environment(self) -> dict[str, str]:
        """Returns the environment of supervisord and all that it starts; what the user has set goes first."""
        ours = {
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "PREFECT_HOME": str(self.data / "prefect"),
            "PREFECT_SERVER_API_PORT": self.port,
            # A page of another site, open in the same browser, could use the API else.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": self.url,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            # In memory, which is Prefect's default, a restart of the server would end the runs under way.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            f"{_MARK}_NODES": "1",
        }
        if given := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
            ours["PREFECT_API_AUTH_STRING"] = given
        fixed = {
            _MARK: str(self.folder),
            f"{_MARK}_ROOT": str(_ROOT),
            f"{_MARK}_DATA": str(self.data),
            f"{_MARK}_BIN": str(Path(sys.executable).parent),
            f"{_MARK}_RAY_PORT": self.ray_port,
            f"{_MARK}_DASHBOARD_PORT": self.dashboard_port,
            f"{_MARK}_CLIENT_PORT": str(int(self.ray_port) + 1),
        }
        client = {name: value for name, value in self.client.items() if name != "RAY_ADDRESS"}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return (
            ours
            | {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
            | client
            | fixed
            | {"PATH": path}
        )

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Asks supervisord."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(_CONFIG), *arguments]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)

    @property
    def running(self) -> bool:
        """Whether supervisord answers."""
        return (self.folder / "supervisor.sock").exists() and self.control("pid").returncode == 0


def main(arguments: Sequence[str]) -> int:
    """Does what it is asked to, and returns the exit code."""
    stack = _Stack(os.environ)
    actions: dict[str, Callable[[_Stack], None]] = {"up": _up, "down": _down, "status": _status}
    try:
        actions[arguments[0]](stack)
    except RushesError as error:
        note(f"rushes: {error}")
        return error.exit_code
    return 0


def _up(stack: _Stack) -> None:
    if not stack.running:
        _prepare(stack)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(_CONFIG)]
        subprocess.run(command, env=stack.environment(), check=True)
    note("Waiting for Prefect and Ray. The first start makes a database, which takes half a minute.")
    _wait(stack, "server", lambda: requests.get(f"{stack.url}/api/health", timeout=5).ok)
    _register(stack)
    stack.control("start", "worker")
    _wait(stack, "ray-worker:*", lambda: _ray_answers(stack))
    _wait(stack, "worker", lambda: "RUNNING" in stack.control("status", "worker").stdout)
    _say(stack)


def _need_ports(stack: _Stack) -> None:
    """Refuses a port that another program has; none is ours, for what a killed supervisord left has ended."""
    ports = {"PORT": ("127.0.0.1", stack.port), "DASHBOARD_PORT": ("127.0.0.1", stack.dashboard_port)}
    ports |= {"RAY_PORT": ("127.0.0.2", stack.ray_port)}
    for name, (host, port) in ports.items():
        try:
            socket.create_server((host, int(port))).close()
        except OSError as error:
            raise ConfigError(
                f"{_MARK}_{name} = {port}: cannot listen on {host}:{port} ({error.strerror}). "
                f"End what has this port, or choose another: {_MARK}_{name}=PORT make up"
            ) from None


def _prepare(stack: _Stack) -> None:
    """Makes the folders, Ray's token, and the server's database from one that was migrated before, if there is one."""
    end(_MARK, str(stack.folder), _STOP_S)  # what a supervisord that was killed has left
    _need_ports(stack)
    shutil.rmtree(stack.folder, ignore_errors=True)
    try:
        stack.folder.mkdir(mode=0o700)
    except FileExistsError:
        raise DependencyError(
            f"{stack.folder}: is there already, and cannot be removed: somebody else has made it. Have them remove it."
        ) from None
    for folder in (stack.data, stack.data / "logs", stack.data / "prefect"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not stack.token.exists():
        stack.token.touch(mode=0o600)
        stack.token.write_text(secrets.token_hex(32))
    database, template = stack.data / "prefect/prefect.db", rushes_home() / f"prefect-{version('prefect')}.db"
    if template.exists() and not database.exists():
        shutil.copyfile(template, database)


def _wait(stack: _Stack, part: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except requests.RequestException:
            pass
        if "FATAL" in (state := stack.control("status", part).stdout):
            raise DependencyError(f"{state.strip()}. Its log is in {stack.data / 'logs'}; `make down` ends the others.")
        time.sleep(0.5)
    raise DependencyError(f"{part} did not come up in {_START_S:.0f} s. Its log is in {stack.data / 'logs'}.")


def _ray_answers(stack: _Stack) -> bool:
    """Tells whether the cluster has a node that takes tasks."""
    command = [
        sys.executable,
        "-c",
        "import ray; ray.init(log_to_driver=False); assert ray.cluster_resources().get('CPU')",
    ]
    environment = stack.environment() | stack.client
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=20, check=False).returncode == 0
    except subprocess.TimeoutExpired:  # Ray waits long for a head that is not there yet
        return False


def _register(stack: _Stack) -> None:
    command = ["sh", str(_ROOT / "deployments/register.sh")]
    done = subprocess.run(command, cwd=_ROOT, env=stack.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise DependencyError(f"The deployments cannot be registered: {(done.stdout + done.stderr).strip()[-800:]}")


def _say(stack: _Stack) -> None:
    say(f"Open {stack.url} : deployments are there, and schedules are paused until you resume them.")
    say("For commands in this shell:")
    for name, value in stack.client.items():
        say(f"  export {name}={value}")


def _status(stack: _Stack) -> None:
    say(stack.control("status").stdout.strip() if stack.running else "Nothing is up.")


def _down(stack: _Stack) -> None:
    """Asks all parts to end, waits for them, and ends what did not."""
    if not (stack.folder.exists() or any(carrying(_MARK, str(stack.folder)))):
        say("Nothing was up.")
        return
    if stack.running:
        stack.control("shutdown")
    deadline = time.monotonic() + _STOP_S
    while any(carrying(_MARK, str(stack.folder))) and time.monotonic() < deadline:
        time.sleep(0.2)
    end(_MARK, str(stack.folder), _STOP_S)
    shutil.rmtree(stack.folder, ignore_errors=True)
    say("All that `make up` started has ended.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
