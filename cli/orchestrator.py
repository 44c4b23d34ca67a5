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
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from cli.home import prefect_configured
from cli.ray_session import attached, session
from cli.scratch import scratch
from cli.server import own_server, ready
from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.transfer.urls import redact

__all__ = ["orchestrated", "run_flow"]

_PATIENCE_S = 10.0
_OBJECT_STORE_BYTES = 128 * 2**20  # what travels is file names and counts


def run_flow(name: str, config: Pipeline, runner: str, *more: str) -> Any:
    """Runs a flow in this process and returns what it returns; `more` are its other parameters."""
    with orchestrated(with_ray=runner == "ray"):
        flow = _flow(name, runner)
        from prefect import tags  # imported by now

        with tags("rushes"):
            return flow(config, *more)


@contextmanager
def orchestrated(with_ray: bool = True) -> Iterator[None]:
    """Has a Prefect API, and a Ray where asked, at hand while the block runs."""
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        server = stack.enter_context(own_server(folder)) if _needs_server() else None
        if with_ray and (address := os.environ.get("RAY_ADDRESS")):
            stack.enter_context(attached(address, alone=server is not None))
        elif with_ray:
            stack.enter_context(_own_ray(folder / "ray"))
        if server is not None:
            stack.enter_context(_api_of(server))
        yield


def _needs_server() -> bool:
    if not prefect_configured():
        return True
    from prefect.settings import PREFECT_API_URL  # slow, and seldom needed this early

    url = PREFECT_API_URL.value()
    if url:
        _check_api(url)
    return not url


def _check_api(url: str) -> None:
    """Refuses a Prefect API that is not there, or does not let us in, in one line; all else is left to Prefect."""
    try:
        requests.get(f"{url}/health", timeout=_PATIENCE_S)
        locked = requests.get(f"{url}/admin/version", headers=_credentials(), timeout=_PATIENCE_S)
    except requests.RequestException as error:
        raise ConfigError(
            f"PREFECT_API_URL = {redact(url)!r}: no Prefect server answers there ({type(error).__name__}). "
            "Start it, or unset PREFECT_API_URL and let the command start its own."
        ) from None
    if locked.status_code == requests.codes.unauthorized:
        raise ConfigError(
            f"PREFECT_API_URL = {redact(url)!r}: the Prefect server asks for a password, and none is set, or another "
            "one. Set PREFECT_API_AUTH_STRING to what the server has as PREFECT_SERVER_API_AUTH_STRING."
        )


def _credentials() -> dict[str, str]:
    """Returns what Prefect's own client would send."""
    from prefect.settings import get_current_settings  # as above

    client, api = get_current_settings().client, get_current_settings().api
    headers = dict(client.custom_headers)
    if api.key:
        return headers | {"Authorization": f"Bearer {api.key.get_secret_value()}"}
    if api.auth_string:
        said = b64encode(api.auth_string.get_secret_value().encode()).decode()
        return headers | {"Authorization": f"Basic {said}"}
    return headers


@contextmanager
def _api_of(server: subprocess.Popen[bytes]) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_TO_API_ENABLED, temporary_settings

    import flows.pipeline  # noqa: F401  # while the server starts

    # Nobody can read the logs of a server that ends with the run.
    with temporary_settings({PREFECT_API_URL: ready(server), PREFECT_LOGGING_TO_API_ENABLED: False}):
        yield


def _flow(name: str, runner: str) -> Any:
    import flows.export  # Prefect takes seconds to import
    import flows.ingest
    import flows.pipeline
    import flows.rebuild
    from flows.runner import thread_runner

    for logger in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(logger).addFilter(_unforeseen)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_of_the_run)
    known: dict[str, Any] = {
        "pipeline": flows.pipeline.pipeline,
        "ingest": flows.ingest.ingest,
        "export": flows.export.export,
        "rebuild": flows.rebuild.rebuild,
    }
    flow = known[name]
    return flow.with_options(task_runner=thread_runner()) if runner == "threads" else flow


def _unforeseen(record: logging.LogRecord) -> bool:
    """Keeps tracebacks for what is not understood: the command itself says the rest in one line."""
    from flows.logs import said  # Prefect takes seconds to import

    return not said(record) and not record.getMessage().startswith("Finished in state Failed")


def _of_the_run(record: logging.LogRecord) -> bool:
    """Keeps lines about single items off the screen: the command counts them, and failures.jsonl has them all."""
    return not hasattr(record, "item")


@contextmanager
def _own_ray(folder: Path) -> Iterator[None]:
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray keeps one in the user's home
    own = {"include_dashboard": False, "object_store_memory": _OBJECT_STORE_BYTES, "_temp_dir": str(folder)}
    with session(address="local", **own):
        import ray

        _share_hosts()
        warm = ray.remote(num_cpus=1)(_warm)
        imported = [warm.remote() for _ in range(int(ray.cluster_resources().get("CPU", 1)))]
        yield
        del imported  # dropped earlier, Ray would cancel them


def _share_hosts() -> None:
    """Brings up what the batches share, before they find warm workers: it keeps the one that it gets."""
    from flows.hosts import cluster_shares

    cluster_shares()


def _warm() -> None:
    """Imports in a worker what every task needs."""
    import flows.pipeline  # noqa: F401
