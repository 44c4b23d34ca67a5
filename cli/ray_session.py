"""This process as a driver of a Ray cluster, and what makes a cluster one that it cannot be a driver of."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import flows  # noqa: F401  # before Ray: it sets what Ray reads
from rushes.cluster.attach import check_ray
from rushes.errors import ConfigError

__all__ = ["attached", "session"]


@contextmanager
def attached(address: str, alone: bool) -> Iterator[None]:
    """Connects to a cluster while the block runs, or refuses it in one line.

    Args:
        address: What RAY_ADDRESS says.
        alone: Whether the Prefect server is one that this command starts for itself.
    """
    check_ray(address)
    if "://" in address:  # a client of Ray's: left to Prefect's runner, which knows what such a one can do
        yield
        return
    with session(address=address):
        if alone:
            _check_one_machine(address)
        from flows.code import check_code  # not with --runner threads

        check_code()
        yield


@contextmanager
def session(**options: Any) -> Iterator[None]:
    """Is a driver of Ray while the block runs."""
    import ray  # not with --runner threads

    on_end = signal.getsignal(signal.SIGTERM)
    ray.init(namespace="prefect", log_to_driver=False, logging_level=logging.ERROR, **options)
    signal.signal(signal.SIGTERM, on_end)  # Ray has put its own there, which ends the process with another code
    try:
        yield
    finally:
        ray.shutdown()


def _check_one_machine(address: str) -> None:
    """Refuses a cluster of several machines whose tasks would look for our Prefect server on their own."""
    import ray

    addresses = {ip_address(node["NodeManagerAddress"]) for node in ray.nodes() if node["Alive"]}
    machines = {"this one" if address.is_loopback else str(address) for address in addresses}
    if len(machines) > 1:
        raise ConfigError(
            f"RAY_ADDRESS = {address!r}: the cluster has {len(machines)} machines, and the Prefect server that this "
            "command starts for itself can be reached on one. Set PREFECT_API_URL to a server that all of them reach."
        )
