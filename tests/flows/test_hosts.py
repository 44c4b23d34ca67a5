"""The slots of a host, shared by processes on a real Ray, whatever becomes of some of them or of the ledger."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from ray.exceptions import RayActorError, WorkerCrashedError

from flows.hosts import ClusterShares, cluster_shares
from rushes.config import DownloadConfig
from rushes.transfer.guard import guarded_session
from rushes.transfer.hosts import LEASE_S, Want
from rushes.transfer.leases import gate_of
from rushes.transfer.request import opened
from tests import http_server as web
from tests.http_server import Meter, serve

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, namespace="prefect")
    yield
    ray.shutdown()


@pytest.fixture
def shares() -> Iterator[ClusterShares]:
    found = cluster_shares()
    assert found is not None
    yield found
    ray.kill(ray.get_actor("host-shares-1", namespace="rushes"))


@ray.remote(num_cpus=1, max_retries=0)
def batch(shares: ClusterShares, url: str, count: int, per_host: int) -> list[str]:
    """Fetches a URL so many times, as a batch in a worker's process does, and returns what it said."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.levelname)  # type: ignore[method-assign]
    log = logging.getLogger("rushes.transfer.leases")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), per_host=per_host)
    with gate_of(shares) as gate, guarded_session(config, gate) as session, ThreadPoolExecutor(8) as pool:

        def one(_: int) -> None:
            with opened(url, session, config, {}) as transfer:
                list(transfer.chunks())

        list(pool.map(one, range(count)))
    return said


@ray.remote(num_cpus=0)
def elsewhere(shares: ClusterShares) -> int:
    return shares.renew("elsewhere", {"h": Want(8, 0, 8)}, {})["h"].slots


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    deadline_s = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_processes_share_the_slots_of_a_host(shares: ClusterShares) -> None:
    meter = Meter()
    with serve({"/a": meter.before(web.ok(b"x"), 0.02)}) as server:
        said = ray.get([batch.remote(shares, server.url("/a"), 60, 4) for _ in range(4)])
        assert (len(server.requests), meter.most) == (240, 4)
    assert said == [[], [], [], []]
    assert shares.leases() == []


def test_runs_of_other_limits_share_the_smaller_one(shares: ClusterShares) -> None:
    meter = Meter()
    with serve({"/a": meter.before(web.ok(b"x"), 0.03)}) as server:
        small = batch.remote(shares, server.url("/a"), 60, 2)
        until(lambda: len(server.requests) > 5)
        ray.get([small, batch.remote(shares, server.url("/a"), 20, 6)])
        assert (len(server.requests), meter.most) == (80, 2)


@pytest.mark.parametrize("status", [429, 503])
def test_what_one_process_is_told_the_others_heed(shares: ClusterShares, status: int) -> None:
    """After the second in which they may not have heard yet, none asks before the host's time is over."""
    times: list[float] = []
    told_s: list[float] = []

    def noted(handler: web.Handler) -> None:
        times.append(time.monotonic())
        handler.wait(0.02)
        web.ok(b"x")(handler)

    def busy(handler: web.Handler) -> None:
        told_s.append(time.monotonic())
        web.status(status, Retry_After=4)(handler)

    with serve({"/a": noted, "/busy": busy}) as server:
        others = [batch.remote(shares, server.url("/a"), 400, 4) for _ in range(2)]
        until(lambda: len(times) > 20)
        with pytest.raises(Exception, match=f"answered {status}"):
            ray.get(batch.remote(shares, server.url("/busy"), 1, 4))
        ray.get(others)
    late = [moment - told_s[0] for moment in times]
    assert len(times) == 800
    assert not [moment for moment in late if 1 < moment < 4]
    assert max(late) > 4


def test_the_slots_of_a_killed_worker_come_back(shares: ClusterShares) -> None:
    meter = Meter()
    slow = web.silent(60)
    with serve({"/slow": slow, "/a": meter.before(web.ok(b"x"), 0.01)}) as server:
        doomed = batch.remote(shares, server.url("/slow"), 8, 4)
        until(lambda: len(server.requests) == 4)
        assert [slots for _, _, slots in shares.leases()] == [4]
        (worker,) = [process for process in _workers() if process.name() == "ray::batch"]
        start_s, living = time.monotonic(), batch.remote(shares, server.url("/a"), 20, 4)
        until(lambda: len(shares.leases()) == 2)
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(WorkerCrashedError):
            ray.get(doomed)
        ray.get(living)
        assert time.monotonic() - start_s < LEASE_S + 5
    assert (len(server.requests), meter.most) == (24, 4)


def test_without_the_actor_batches_go_on_and_bring_up_another(shares: ClusterShares) -> None:
    enough = threading.Event()

    def held(handler: web.Handler) -> None:
        enough.wait(1)
        web.ok(b"x")(handler)

    with serve({"/a": held}) as server:
        running = [batch.remote(shares, server.url("/a"), 100, 2) for _ in range(2)]
        until(lambda: _holders() == 2)
        for _ in range(2):
            ray.kill(ray.get_actor("host-shares-1", namespace="rushes"))
            until(lambda: _holders() == 2)
        enough.set()
        said = ray.get(running)
        assert len(server.requests) == 200
    assert all(levels.count("WARNING") <= 1 for levels in said), said


def test_the_handle_travels_by_name(shares: ClusterShares) -> None:
    shares.renew("here", {"h": Want(3, 0, 8)}, {})
    assert ray.get(elsewhere.remote(shares)) == 5
    assert sorted(shares.leases()) == [("h", "elsewhere", 5), ("h", "here", 3)]


def test_two_runs_on_one_cluster_share_a_host(shares: ClusterShares) -> None:
    assert shares.renew("first run", {"h": Want(3, 0, 8)}, {})["h"].slots == 3
    code = (
        "import sys, ray; from flows.hosts import cluster_shares; from rushes.transfer.hosts import Want;"
        "ray.init(address=sys.argv[1], namespace='elsewhere', log_to_driver=False);"
        "print(cluster_shares().renew('second run', {'h': Want(8, 0, 8)}, {})['h'].slots)"
    )
    command = [sys.executable, "-c", code, ray.get_runtime_context().gcs_address]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert second.stdout == "5\n"
    assert sorted(shares.leases()) == [("h", "first run", 3), ("h", "second run", 5)]


def _holders() -> int:
    """Counts who has leases, and brings no actor up to ask."""
    try:
        actor = ray.get_actor("host-shares-1", namespace="rushes")
        return len(ray.get(actor.leases.remote()))
    except (ValueError, RayActorError):
        return 0


def _workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.name().startswith("ray::")]


def test_without_ray_there_is_nothing_to_share() -> None:
    code = "from flows.hosts import cluster_shares; assert cluster_shares() is None"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
