"""Whether a Ray cluster is there, and one that this process can be a driver of.

Asked before Ray itself is, which tries for minutes, and then ends the process.
"""

from __future__ import annotations

import os
import socket

from rushes.errors import ConfigError

__all__ = ["check_ray", "send_token"]

_PATIENCE_S = 10.0
_DASHBOARD = (
    "that is a dashboard; expected the cluster itself, which listens on port 6379 unless told otherwise. For the "
    "dashboard there is RAY_API_SERVER_ADDRESS."
)


def send_token() -> None:
    """Has Ray send its token where one is set; Ray reads this on import, and fails late and unclearly without it."""
    if os.environ.get("RAY_AUTH_TOKEN") or os.environ.get("RAY_AUTH_TOKEN_PATH"):
        os.environ.setdefault("RAY_AUTH_MODE", "token")


def check_ray(address: str) -> None:
    """Refuses a cluster that is not there, or not for us.

    Args:
        address: What RAY_ADDRESS says.

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
            "Start it, or unset RAY_ADDRESS and let the run start its own."
        ) from None
    if "://" not in address:
        _check_it(address)


def _check_it(address: str) -> None:
    from rushes.cluster.address import speaks_http  # slow to import, and Ray slower

    if speaks_http(address, _PATIENCE_S):
        raise ConfigError(f"RAY_ADDRESS = {address!r}: {_DASHBOARD}")
    from rushes.cluster.sdk import check_cluster

    check_cluster(address)
