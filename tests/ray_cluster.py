"""A Ray cluster of a test's own: a head with its dashboard, behind a token, that ends whatever becomes of the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from cli.processes import end

_MARK = "RUSHES_TEST_CLUSTER"
_HOST = "127.0.0.31"  # Ray would replace 127.0.0.1 by the machine's own address
_START_S = 120
_OPTIONS = ("ray-client-server-port", "dashboard-agent-listen-port", "metrics-export-port", "runtime-env-agent-port")


@dataclass(frozen=True)
class Cluster:
    """Where it is.

    Attributes:
        url: Of its dashboard.
        address: Of the cluster itself.
        token: What it asks for.
    """

    url: str
    address: str
    token: str

    def environment(self) -> dict[str, str]:
        """Returns the environment of a process that is to find it."""
        own = {"RAY_API_SERVER_ADDRESS": self.url, "RAY_AUTH_TOKEN": self.token}
        return {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"} | own


@contextmanager
def ray_cluster(token: str, cpus: int = 2, **resources: float) -> Iterator[Cluster]:
    """Starts a head, whose node has such resources, and waits until its dashboard answers."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # short: Ray puts sockets below it
    gcs, dashboard, *others = free_ports(6)
    command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"]
    command += [f"--node-ip-address={_HOST}", f"--port={gcs}", f"--temp-dir={folder}", f"--num-cpus={cpus}"]
    command += [f"--resources={json.dumps(resources)}"]
    command += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", f"--object-store-memory={100 * 2**20}"]
    command += [f"--{option}={port}" for option, port in zip(_OPTIONS, others, strict=True)]
    environment = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "PREFECT_API_URL")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token, _MARK: folder}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with (
        Path(folder, "start.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True) as process,
    ):
        try:
            cluster = Cluster(f"http://127.0.0.1:{dashboard}", f"{_HOST}:{gcs}", token)
            _wait(cluster, process, Path(folder, "start.log"))
            yield cluster
        finally:
            _end(process, folder)


def metadata(cluster: Cluster, versions: str) -> str:
    """Has a cluster say that it runs other versions of Ray and Python, and returns those that it said before."""
    code = (
        "import json, sys\nfrom ray._raylet import GcsClient\ngcs = GcsClient(address=sys.argv[1])\n"
        "known = json.loads(gcs.internal_kv_get(b'CLUSTER_METADATA', namespace=b'cluster'))\n"
        "print(known['ray_version'], known['python_version'])\n"
        "known['ray_version'], known['python_version'] = sys.argv[2].split()\n"
        "gcs.internal_kv_put(b'CLUSTER_METADATA', json.dumps(known).encode(), True, namespace=b'cluster')\n"
    )
    environment = cluster.environment() | {"RAY_AUTH_MODE": "token"}
    command = [sys.executable, "-c", code, cluster.address, versions]
    return subprocess.check_output(command, text=True, env=environment).strip()


def _wait(cluster: Cluster, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + _START_S
    headers = {"Authorization": f"Bearer {cluster.token}"}
    while process.poll() is None and time.monotonic() < deadline_s:
        with suppress(requests.RequestException):
            nodes = requests.get(f"{cluster.url}/api/v0/nodes", headers=headers, timeout=5)
            if nodes.ok and nodes.json()["data"]["result"]["result"]:
                return
        time.sleep(0.2)
    raise AssertionError(f"no cluster: {log.read_text()}")


def _end(process: subprocess.Popen[bytes], folder: str) -> None:
    """Ends all that was started for the cluster, jobs included, by the folder's name in its environment."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(5)
    end(_MARK, folder, 20)
    shutil.rmtree(folder, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Returns ports of 127.0.0.1 that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
