"""Brings up what a flow run needs, runs it, and takes it down again.

With no Prefect API configured, that is a server of our own, which the Ray workers share; with no RAY_ADDRESS, a Ray of
our own. Each takes seconds, nearly all of them spent importing: so the server comes up while this process imports
Prefect, and Ray's workers import theirs while this process waits for the server.
"""

from __future__ import annotations

import logging
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cli.home import prefect_configured
from cli.scratch import scratch
from cli.server import own_server, ready
from rushes.config import Pipeline

__all__ = ["orchestrated", "run_flow"]

_OBJECT_STORE_BYTES = 128 * 2**20  # what travels is file names and counts


def run_flow(name: str, config: Pipeline, runner: str) -> Any:
    """Runs a flow in this process and returns what it returns."""
    with orchestrated(with_ray=runner == "ray"):
        return _flow(name, runner)(config)


@contextmanager
def orchestrated(with_ray: bool = True) -> Iterator[None]:
    """Has a Prefect API, and a Ray where asked, at hand while the block runs."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        server = stack.enter_context(own_server(folder)) if _needs_server() else None
        if with_ray and not os.environ.get("RAY_ADDRESS"):
            stack.enter_context(_own_ray(folder / "ray"))
        if server is not None:
            stack.enter_context(_api_of(server))
        yield


def _needs_server() -> bool:
    if not prefect_configured():
        return True
    from prefect.settings import PREFECT_API_URL  # slow, and seldom needed this early

    return not PREFECT_API_URL.value()


@contextmanager
def _api_of(server: subprocess.Popen[bytes]) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    import flows.pipeline  # noqa: F401  # while the server starts

    with temporary_settings({PREFECT_API_URL: ready(server)}):
        yield


def _flow(name: str, runner: str) -> Any:
    import flows.export  # Prefect takes seconds to import
    import flows.ingest
    import flows.pipeline
    from flows.runner import thread_runner

    flow = {"pipeline": flows.pipeline.pipeline, "ingest": flows.ingest.ingest, "export": flows.export.export}[name]
    return flow.with_options(task_runner=thread_runner()) if runner == "threads" else flow


@contextmanager
def _own_ray(folder: Path) -> Iterator[None]:
    import ray  # not with --runner threads

    ray.init(
        address="local",
        namespace="prefect",
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=_OBJECT_STORE_BYTES,
        _temp_dir=str(folder),
    )
    warm = ray.remote(num_cpus=1)(_warm)
    imported = [warm.remote() for _ in range(int(ray.cluster_resources().get("CPU", 1)))]
    try:
        yield
    finally:
        del imported  # dropped earlier, Ray would cancel them
        ray.shutdown()


def _warm() -> None:
    """Imports in a worker what every task needs."""
    import flows.pipeline  # noqa: F401
