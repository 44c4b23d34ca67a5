"""Brings up what a flow run needs, runs it, and takes it down again.

With no Prefect API configured, that is a server of our own, which the Ray workers share; with no RAY_ADDRESS, a Ray of
our own. Both come up at the same time, because each takes seconds.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import prefect.context  # noqa: F401  # reads the environment now, while it is as cli.home made it
from prefect.settings import PREFECT_API_URL, temporary_settings

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
        server = None if PREFECT_API_URL.value() else stack.enter_context(own_server(folder))
        if with_ray and not os.environ.get("RAY_ADDRESS"):
            stack.enter_context(_own_ray(folder / "ray"))
        if server is not None:
            import flows.pipeline  # noqa: F401  # takes seconds: while the server starts

            stack.enter_context(temporary_settings({PREFECT_API_URL: ready(server)}))
        yield


def _flow(name: str, runner: str) -> Any:
    import flows.export  # while the server starts
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
    try:
        yield
    finally:
        ray.shutdown()
