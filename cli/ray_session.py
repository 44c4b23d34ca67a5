"""This process as a driver of a Ray cluster, and what makes a cluster one that it cannot be a driver of."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from cli.ray_cluster import send_token
from rushes.errors import ConfigError

__all__ = ["attached", "check_ray", "session"]

_PATIENCE_S = 10.0
_DASHBOARD = (
    "that is a dashboard; expected the cluster itself, which listens on port 6379 unless told otherwise. For the "
    "dashboard there is RAY_API_SERVER_ADDRESS."
)


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


def check_ray(address: str) -> None:
    """Refuses a cluster that is not there, or not for us: Ray itself tries for minutes, and then ends the process.

    Raises:
        ConfigError: Nobody answers, or a dashboard does.
        ClusterError: It asks for another token, or runs another Ray or Python.
    """
    send_token()  # before Ray is imported
    if address.startswith(("http://", "https://")):
        raise ConfigError(f"RAY_ADDRESS = {address!r}: {_DASHBOARD}")
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return  # "auto", "local": Ray knows them
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S).close()
    except OSError as error:
        raise ConfigError(
            f"RAY_ADDRESS = {address!r}: no Ray cluster answers there ({error}). "
            "Start it, or unset RAY_ADDRESS and let the command start its own."
        ) from None
    if "://" not in address:
        _check_it(address)


def _check_it(address: str) -> None:
    from rushes.cluster.address import speaks_http  # slow to import, and Ray slower

    if speaks_http(address, _PATIENCE_S):
        raise ConfigError(f"RAY_ADDRESS = {address!r}: {_DASHBOARD}")
    from rushes.cluster.sdk import check_cluster

    check_cluster(address)


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
