"""What `make up` starts: where it stands, what it listens on, and the environment that all of it shares."""

from __future__ import annotations

import hashlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.home import rushes_home
from cli.processes import carrying
from rushes.errors import ConfigError

__all__ = ["MARK", "ROOT", "Parts", "place"]

ROOT = Path(__file__).parents[2]
MARK = "RUSHES_UP"
_CONFIG = ROOT / "deployments/local/supervisord.conf"
_OF_RAY = range(10_001, 20_000)  # its workers' own; a head that is given one of them, or the one before, does not start
_MOST_NODES = 100  # each has an address of its own, from 127.0.0.3 on


def place(home: Path) -> Path:
    """Returns where the sockets are of what is up from this home; a socket's name has 107 bytes at most."""
    name = hashlib.sha256(str(home / "up").encode()).hexdigest()[:8]
    return Path(f"/tmp/rushes-up-{os.getuid()}-{name}")  # noqa: S108  # TMPDIR is often too long; made with mode 0700


class Parts:
    """The parts of one home.

    Args:
        environ: The environment of the command.

    Raises:
        ConfigError: One of its variables is no port, or no number of nodes.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.data = rushes_home() / "up"
        self.folder = place(rushes_home())
        self.given = {
            name: _number(environ, name, *limits)
            for name, *limits in (
                ("PORT", 4200, 65535),
                ("RAY_PORT", 6380, 65534),  # the next one is Ray Client's
                ("DASHBOARD_PORT", 8265, 65535),
                ("NODES", 1, _MOST_NODES),
            )
        }
        self.url = f"http://127.0.0.1:{self.given['PORT']}"
        self.token = self.data / "ray-token"
        self.client = {
            "PREFECT_API_URL": f"{self.url}/api",
            "RAY_ADDRESS": f"127.0.0.2:{self.given['RAY_PORT']}",
            "RAY_API_SERVER_ADDRESS": f"http://127.0.0.1:{self.given['DASHBOARD_PORT']}",
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
            "PREFECT_SERVER_API_PORT": str(self.given["PORT"]),
            # A page of another site, open in the same browser, could use the API else.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": self.url,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            # In memory, which is Prefect's default, a restart of the server would end the runs under way.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        }
        if given := os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
            ours["PREFECT_API_AUTH_STRING"] = given
        fixed = {
            MARK: str(self.folder),
            f"{MARK}_ROOT": str(ROOT),
            f"{MARK}_DATA": str(self.data),
            f"{MARK}_BIN": str(Path(sys.executable).parent),
            f"{MARK}_CLIENT_PORT": str(self.given["RAY_PORT"] + 1),
        } | {f"{MARK}_{name}": str(value) for name, value in self.given.items()}
        client = {name: value for name, value in self.client.items() if name != "RAY_ADDRESS"}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return (
            ours
            | {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
            | client
            | fixed
            | {"PATH": path}
        )

    def exports(self) -> Iterator[str]:
        """Yields what a shell takes that is to use all of it; the password by its variable's name alone."""
        yield f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
        for name, value in self.client.items():
            yield f"export {name}={shlex.quote(value)}"
        if os.environ.get("PREFECT_SERVER_API_AUTH_STRING"):
            yield 'export PREFECT_API_AUTH_STRING="$PREFECT_SERVER_API_AUTH_STRING"'

    def control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Asks supervisord."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(_CONFIG), *arguments]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)

    def start(self) -> None:
        """Starts supervisord, which goes on by itself."""
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(_CONFIG)]
        subprocess.run(command, env=self.environment(), check=True)

    def processes(self) -> list[int]:
        """Returns all that was started, and what that has started."""
        return [*carrying(MARK, str(self.folder))]

    @property
    def running(self) -> bool:
        """Whether supervisord answers."""
        return (self.folder / "supervisor.sock").exists() and self.control("pid").returncode == 0


def _number(environ: Mapping[str, str], name: str, usual: int, most: int) -> int:
    given = environ.get(f"{MARK}_{name}", str(usual))
    if given.isascii() and given.isdigit() and 1 <= int(given) <= most:
        if int(given) not in _OF_RAY or name == "PORT":
            return int(given)
        raise ConfigError(
            f"{MARK}_{name} = {given}: Ray's workers use {_OF_RAY[0]} to {_OF_RAY[-1]}; choose another port."
        )
    raise ConfigError(f"{MARK}_{name} = {given!r}: expected a number from 1 to {most}, like {usual}.")
