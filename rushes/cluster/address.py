"""Where a cluster's dashboard is, and the token that opens it."""

from __future__ import annotations

import ipaddress
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import requests

from rushes.errors import ClusterAccessError, ClusterUnreachableError, ConfigError
from rushes.transfer.urls import redact

__all__ = ["DEFAULT", "dashboard_url", "speaks_http", "token_for"]

DEFAULT = "http://127.0.0.1:8265"
_VARIABLES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
_BOOTSTRAP = "a cluster's address, like head:6379"


def dashboard_url(address: str | None, timeout_s: float) -> str:
    """Returns the URL of a cluster's dashboard.

    Args:
        address: Its URL, or the cluster's own `HOST:PORT`, of which its dashboard is asked; None for what
            `RAY_API_SERVER_ADDRESS` or `RAY_ADDRESS` say, else this machine's port 8265.
        timeout_s: How long to look for a cluster of which only `HOST:PORT` is known.

    Raises:
        ConfigError: It is no address.
        ClusterUnreachableError: Nobody answers at `HOST:PORT`.
    """
    origin, given = _given(address)
    scheme, separator, _ = given.partition("://")
    if separator and scheme in ("http", "https"):
        return _url(given, origin)
    if separator:
        raise ConfigError(
            f"{origin} = {redact(given)!r}: expected the dashboard's URL, like {DEFAULT}, or {_BOOTSTRAP}."
        )
    if given == "auto":
        return _of_this_machine()
    return _of_bootstrap(given, origin, timeout_s)


def token_for(url: str, token: str | None) -> str | None:
    """Returns the token for a cluster, or None: the one that was given, or the one that Ray's own tools would send.

    The token in the user's home belongs to clusters of this machine: others get it only if `RAY_AUTH_MODE` asks for
    it, so that a mistyped address is not told it.
    """
    found = token or os.environ.get("RAY_AUTH_TOKEN") or _read(os.environ.get("RAY_AUTH_TOKEN_PATH"))
    if not found and (os.environ.get("RAY_AUTH_MODE") == "token" or _is_loopback(url)):
        home = Path.home() / ".ray" / "auth_token"
        found = _read(str(home)) if home.is_file() else None
    return found.strip() if found else None


def _given(address: str | None) -> tuple[str, str]:
    if address:
        return "address", address
    return next(((name, os.environ[name]) for name in _VARIABLES if os.environ.get(name)), ("address", DEFAULT))


def _url(given: str, origin: str) -> str:
    try:
        parts = urlsplit(given)
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0) and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{origin} = {redact(given)!r}: expected a URL like {DEFAULT}.")
    if parts.username or parts.password:
        raise ConfigError(f"{origin} = {redact(given)!r}: no credentials in the address; set RAY_AUTH_TOKEN instead.")
    return given.rstrip("/")


def _of_this_machine() -> str:
    from rushes.cluster.sdk import dashboard_of  # Ray takes a second to import

    return dashboard_of("auto")


def _of_bootstrap(given: str, origin: str, timeout_s: float) -> str:
    host, _, port = given.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"{origin} = {given!r}: expected the dashboard's URL, like {DEFAULT}, or {_BOOTSTRAP}.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
    except (OSError, OverflowError) as error:
        raise ClusterUnreachableError(
            f"{origin} = {given!r}: no Ray cluster answers there ({error}). Start it, or correct the address."
        ) from None
    if speaks_http(given, timeout_s):
        return f"http://{given}"
    from rushes.cluster.sdk import dashboard_of  # as above

    return dashboard_of(given)


def speaks_http(given: str, timeout_s: float) -> bool:
    """Tells whether a `HOST:PORT` is a dashboard's, and not the cluster's own."""
    try:
        return requests.get(f"http://{given}/api/version", timeout=timeout_s).status_code > 0
    except requests.RequestException:
        return False


def _read(path: str | None) -> str | None:
    if not path:
        return None
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClusterAccessError(f"{path}: the token of the Ray cluster cannot be read: {error}.") from None


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
