"""A Ray cluster of several nodes on one machine: each is a node of its own, with an address of its own on loopback."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from cli.processes import carrying, end
from tests.families import family

__all__ = ["Nodes", "nodes"]

_RAY = [sys.executable, "-m", "ray.scripts.scripts"]
_NODE = "RUSHES_TEST_NODE"
_FIRST = 11  # 127.0.0.11; Ray would replace 127.0.0.1 by the machine's own address
_OBJECTS = f"--object-store-memory={128 * 2**20}"


class Nodes:
    """A head that takes no tasks, and workers with one core each.

    Attributes:
        address: Of the head, for `RAY_ADDRESS`.
        environment: What whoever uses the cluster must set.
    """

    def __init__(self, folder: Path, port: int, workers: int) -> None:
        self.address = f"127.0.0.{_FIRST}:{port}"
        self.environment = {
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._nodes, self._folder, self._mark = workers, folder, uuid.uuid4().hex[:8]

    def start_head(self) -> None:
        """Starts the head."""
        host, port = self.address.split(":")
        options = ["--head", f"--node-ip-address={host}", f"--port={port}", "--num-cpus=0", "--include-dashboard=false"]
        self._start(0, [*options, f"--temp-dir={self._folder}", f"--ray-client-server-port={_free_port()}"])

    def start(self, number: int) -> None:
        """Starts a worker node: 1, 2, …"""
        options = [f"--address={self.address}", f"--node-ip-address=127.0.0.{_FIRST + number}", "--num-cpus=1"]
        self._start(number, options)

    def kill(self, number: int) -> None:
        """Takes a node away with all that runs on it, as when its machine loses power."""
        end(_NODE, self._name(number), 30)

    def alive(self, number: int) -> bool:
        """Tells whether anything of a node runs."""
        return any(carrying(_NODE, self._name(number)))

    def processes(self, *words: str) -> list[psutil.Process]:
        """Returns the processes of all nodes that have such a word in their command."""
        return [process for number in range(self._nodes + 1) for process in family(_NODE, self._name(number), *words)]

    def _start(self, number: int, options: list[str]) -> None:
        marked = os.environ | self.environment | {_NODE: self._name(number)}
        del marked["RAY_ADDRESS"]
        done = subprocess.run(
            [*_RAY, "start", *options, _OBJECTS], env=marked, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _name(self, number: int) -> str:
        return f"{self._mark}-{number}"


@contextmanager
def nodes(workers: int) -> Iterator[Nodes]:
    """Has a cluster at hand while the block runs.

    Args:
        workers: How many worker nodes.
    """
    with tempfile.TemporaryDirectory(prefix="rn-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # a short name
        cluster = Nodes(Path(folder), _free_port(), workers)
        try:
            cluster.start_head()
            for number in range(1, workers + 1):
                cluster.start(number)
            yield cluster
        finally:
            for number in range(workers + 1):
                cluster.kill(number)
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
