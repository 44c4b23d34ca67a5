"""A folder for what one command starts, and a keeper that ends all of it when the command does, however it does.

Ray and Prefect end their children well when they are asked to. A command that is killed asks nobody: workers that were
just starting wait for a cluster that is gone, and folders stay. So everything we start carries the folder's name in its
environment, and a small process of its own holds the other end of a pipe: when the pipe closes, it kills whatever still
carries the name and removes the folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.processes import carrying, end

__all__ = ["scratch"]

_NAME = "RUSHES_SCRATCH"
_ROOT = Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir())  # noqa: S108  # TMPDIR is often too long, see below
_PATIENCE_S = 10.0


@contextmanager
def scratch() -> Iterator[Path]:
    """Makes the folder for the time of the block.

    Its path is short, because Ray puts sockets below it, and a socket's name may have 107 bytes.
    """
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"rushes-{os.getpid()}-", dir=_ROOT))
    os.environ[_NAME] = str(folder)
    command = [sys.executable, "-m", "cli.scratch", str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != _NAME}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True):
        try:
            yield folder
        finally:
            del os.environ[_NAME]


def _keep(folder: Path) -> None:
    """Waits until the command is gone, then ends what it left."""
    for number in (signal.SIGINT, signal.SIGTERM):  # Ray sends it to every process of a job that is stopped
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    end(_NAME, str(folder), _PATIENCE_S)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep() -> None:
    """Removes folders whose command and keeper are both gone."""
    for folder in _ROOT.glob("rushes-*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and not any(carrying(_NAME, str(folder))):
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
