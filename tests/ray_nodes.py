"""A Ray cluster of several nodes on one machine: each with an address of its own, on loopback or on a network."""

from __future__ import annotations

import fnmatch
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from cli.processes import carrying, end
from tests.families import family
from tests.namespaces import Network

__all__ = ["AtWork", "Nodes", "nodes"]

_RAY = [sys.executable, "-m", "ray.scripts.scripts"]
_NODE = "RUSHES_TEST_NODE"
_FIRST = 11  # 127.0.0.11; Ray would replace 127.0.0.1 by the machine's own address
_OBJECTS = f"--object-store-memory={128 * 2**20}"


@dataclass(frozen=True, slots=True)
class AtWork:
    """A task that a node has in hand.

    Attributes:
        node: The node's number.
        process: The process of Ray's that does it.
        file: What it has open.
    """

    node: int
    process: psutil.Process
    file: Path

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Stops the process while the block runs, and tells whether it still has the file open."""
        with suppress(psutil.NoSuchProcess):
            self.process.suspend()
        yield str(self.file) in _open_files(self.process)
        with suppress(psutil.NoSuchProcess):
            self.process.resume()


class Nodes:
    """A head that takes no tasks, and workers with one core each.

    Attributes:
        address: Of the head, for `RAY_ADDRESS`.
        environment: What whoever uses the cluster must set.
    """

    def __init__(self, folder: Path, port: int, workers: int, network: Network | None) -> None:
        self._network = network
        self.address = f"{self._host(0)}:{port}"
        self.environment = {
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._nodes, self._folder, self._mark = workers, folder, uuid.uuid4().hex[:8]

    def start_head(self) -> None:
        """Starts the head."""
        port = self.address.rpartition(":")[2]
        options = ["--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false"]
        self._start(0, [*options, f"--temp-dir={self._folder}", f"--ray-client-server-port={_free_port()}"])

    def start(self, number: int) -> None:
        """Starts a worker node: 1, 2, …"""
        there = self._network.plug(number) if self._network else []
        self._start(number, [f"--address={self.address}", "--num-cpus=1"], there)

    def kill(self, number: int) -> None:
        """Takes a node away with all that runs on it, as when its machine loses power.

        On a network its cable goes first, so that no other node is told that its connections have ended.
        """
        if self._network and number:
            self._network.cut(number)
        for process in family(_NODE, self._name(number), ""):  # agents write their title over their environment
            with suppress(psutil.NoSuchProcess):
                process.kill()
        end(_NODE, self._name(number), 30)
        if self._network and number:
            self._network.unplug(number)

    def lost(self) -> list[int]:
        """Returns the worker nodes of which nothing runs."""
        return [number for number in range(1, self._nodes + 1) if not any(carrying(_NODE, self._name(number)))]

    def at_work(self, task: str, files: str) -> Iterator[AtWork]:
        """Yields the tasks of a name that have a file open whose path is like `files`.

        Ray puts a task's name into the title of the process that does it.
        """
        for process in psutil.process_iter(["cmdline"]):
            if (process.info["cmdline"] or [""])[0].strip() != f"ray::{task}":
                continue
            if (number := self._node_of(process)) and (found := fnmatch.filter(_open_files(process), files)):
                yield AtWork(number, process, Path(found[0]))

    def processes(self, *words: str) -> list[psutil.Process]:
        """Returns the processes of all nodes that have such a word in their command."""
        return [process for number in range(self._nodes + 1) for process in family(_NODE, self._name(number), *words)]

    def _start(self, number: int, options: list[str], there: Sequence[str] = ()) -> None:
        marked = os.environ | self.environment | {_NODE: self._name(number)}
        del marked["RAY_ADDRESS"]
        command = [*there, *_RAY, "start", f"--node-ip-address={self._host(number)}", _OBJECTS, *options]
        done = subprocess.run(command, env=marked, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def _node_of(self, process: psutil.Process) -> int:
        """Returns the number of the node whose raylet began a process; 0 for another cluster's."""
        with suppress(psutil.NoSuchProcess, AttributeError):
            mark, _, number = process.parent().environ().get(_NODE, "").rpartition("-")
            return int(number) if mark == self._mark else 0
        return 0

    def _host(self, number: int) -> str:
        return self._network.address(number) if self._network else f"127.0.0.{_FIRST + number}"

    def _name(self, number: int) -> str:
        return f"{self._mark}-{number}"


@contextmanager
def nodes(workers: int, network: Network | None = None) -> Iterator[Nodes]:
    """Has a cluster at hand while the block runs.

    Args:
        workers: How many worker nodes.
        network: Where each of them is a machine of its own; without it they share this one's loopback.
    """
    with tempfile.TemporaryDirectory(prefix="rn-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # a short name
        cluster = Nodes(Path(folder), _free_port(), workers, network)
        try:
            cluster.start_head()
            for number in range(1, workers + 1):
                cluster.start(number)
            yield cluster
        finally:
            for number in {0, *range(1, workers + 1)}.difference(cluster.lost()):
                cluster.kill(number)
            time.sleep(0.2)


def _open_files(process: psutil.Process) -> list[str]:
    try:
        return [file.path for file in process.open_files()]
    except psutil.NoSuchProcess:
        return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
