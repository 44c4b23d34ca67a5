"""The guard: an HTTP session that connects to public addresses only.

A source file may come from anywhere, so a URL in it must not reach what only this machine can reach: loopback, the
local network, a cloud's metadata service. Names are resolved here, once, and the connection goes to the very address
that was checked: a name that answers differently the second time gains nothing, redirects are checked like first
requests, and decimal, octal or short forms of an address are seen as what they resolve to.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool, port_by_scheme
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from rushes.errors import ConfigError, ForbiddenHostError
from rushes.transfer.addresses import is_public, stated, unwrap
from rushes.transfer.exchange import Answer, ExchangePool, Target, Times, request_head, target_of
from rushes.transfer.gate import HostGate, local_gate
from rushes.transfer.robots import AGENT, Robots
from rushes.transfer.stored import Storages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rushes.config import DownloadConfig

__all__ = ["Guard", "GuardedSession", "guarded_session"]

_HEADERS = {"User-Agent": AGENT, "Accept-Encoding": "identity", "Accept": "*/*", "Connection": "keep-alive"}


def guarded_session(config: DownloadConfig, gate: HostGate | None = None) -> GuardedSession:
    """Returns a session whose connections the guard checks, for as many threads as `config.concurrency` says.

    Proxies and `.netrc` of the environment are not used, because a proxy would connect in our stead, unchecked; a
    certificate bundle in `REQUESTS_CA_BUNDLE` or `SSL_CERT_FILE` is. Cookies are not kept, so that no item depends on
    another. Redirects are not followed; `rushes.transfer.request` does that.

    Args:
        config: How many exchanges with one host may be under way at a time, and which addresses may be reached.
        gate: Who counts them; by default, the gate that all in this process share.

    Raises:
        ConfigError: An entry of `config.allow_private_hosts` is no address, network or host name.
    """
    guard = Guard.parse(config.allow_private_hosts)
    storages = Storages(config.allow_storage, partial(guard.dial, timeout_s=config.timeout_s.connect))
    verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    adapter = _GuardedAdapter(guard, config.concurrency, config.per_host)
    return GuardedSession(adapter, verify, gate or local_gate(), storages)


@dataclass(frozen=True, slots=True)
class Guard:
    """Which addresses may be connected to.

    Attributes:
        networks: Networks let through although they are not public.
        names: Host names let through whatever they resolve to, in lower case.
    """

    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Guard:
        """Reads addresses, networks like `10.0.0.0/8`, and host names.

        Raises:
            ConfigError: An entry is none of these.
        """
        networks, names = [], set()
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                names.add(_name(entry))
        return cls(tuple(networks), frozenset(names))

    def permits(self, host: str, address: str) -> bool:
        """Tells whether `host` may be reached at the address that it resolved to."""
        found = unwrap(ipaddress.ip_address(address.partition("%")[0]))
        listed = host.rstrip(".").lower() in self.names
        return listed or is_public(found) or any(found in network for network in self.networks)

    def connect(self, connection: HTTPConnection) -> socket.socket:
        """Resolves the connection's host, and connects to the first permitted address that answers.

        Raises:
            ForbiddenHostError: No address of the host is permitted.
        """
        host = connection.host.strip("[]")
        return _connect(connection, self._permitted(host, lambda: _resolve(connection)))

    def dial(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Does what `connect` does, for other protocols than HTTP.

        Raises:
            ForbiddenHostError: No address of the host is permitted.
            OSError: The host has no address, or none that answers.
        """
        *others, last = self._permitted(host, lambda: _look_up(host, port))
        for address in others:
            with suppress(OSError):  # the host has more addresses to try
                return socket.create_connection((address, port), timeout_s)
        return socket.create_connection((last, port), timeout_s)

    def _permitted(self, host: str, resolve: Callable[[], list[str]]) -> list[str]:
        found = stated(host)
        # Only the system can connect by way of a zone.
        zoned = "%" in host and any(self.permits(host, address) for address in found)
        if not found or zoned:
            found = resolve()
        permitted = [address for address in found if self.permits(host, address)]
        if not permitted:
            raise ForbiddenHostError(
                f"{host} leads to {found[0]}, which is not a public address. "
                f"If it is meant, add {found[0]} to download.allow_private_hosts."
            )
        return permitted


class GuardedSession:
    """Connections that the guard checks, kept for the next request, and what all requests have in common.

    Attributes:
        gate: How many exchanges with a host may be under way, and which hosts asked for time.
        robots: What the hosts' robots.txt say, where the configuration respects them.
        storages: Storages that items lie in; open until the session is closed.
    """

    def __init__(self, adapter: _GuardedAdapter, verify: bool | str, gate: HostGate, storages: Storages) -> None:
        self.gate = gate
        self.robots = Robots()
        self.storages = storages
        self._adapter, self._verify = adapter, verify
        self._pools: dict[tuple[str, str, int | None], tuple[Any, dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.storages.close()
        self._adapter.close()

    def exchange(self, method: str, url: str, headers: Mapping[str, str], times: Times) -> Answer:
        """Sends a request, and follows no redirect.

        Args:
            method: Of the request, which has no body.
            url: http(s).
            headers: On top of those that every request has.
            times: How long it may take.

        Returns:
            The answer, which the caller closes.

        Raises:
            requests.RequestException: The URL or a header is malformed.
            OSError: Or `http.client.HTTPException`, or urllib3's errors: there is no connection, or no answer.
        """
        target = target_of(url)
        head = request_head(method, target, {**_HEADERS, **headers})
        return self._pool(target, url).exchange(method, head, times)

    def _pool(self, target: Target, url: str) -> ExchangePool:
        """Returns the pool that requests would use; what it is looked up by is put together once for each host."""
        manager = self._adapter.poolmanager
        if target[:3] not in self._pools:
            prepared = requests.Request("GET", url).prepare()
            host, options = self._adapter.build_connection_pool_key_attributes(prepared, self._verify)
            context = {**manager.connection_pool_kw, **options, **host}
            context["port"] = context["port"] or port_by_scheme[target.scheme]
            self._pools[target[:3]] = (manager.key_fn_by_scheme[target.scheme](context), context)
        key, context = self._pools[target[:3]]
        pool: ExchangePool = manager.connection_from_pool_key(key, dict(context))
        return pool


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, guard: Guard, hosts: int, per_host: int) -> None:
        self._guard = guard
        super().__init__(pool_connections=hosts, pool_maxsize=per_host, pool_block=True)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard)


def _pools(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    """Makes the pool classes: urllib3 takes no argument of ours down to where it connects, so the guard is bound."""

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return guard.connect(self)

    class PlainPool(ExchangePool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool, ExchangePool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _resolve(connection: HTTPConnection) -> list[str]:
    host = connection.host.strip("[]")
    try:
        return _look_up(host, connection.port)
    except socket.gaierror as error:
        raise NameResolutionError(host, connection, error) from error


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _connect(connection: HTTPConnection, addresses: list[str]) -> socket.socket:
    *others, last = addresses
    for address in others:
        try:
            return _open(connection, address)
        except OSError:  # the host has more addresses to try
            continue
    try:
        return _open(connection, last)
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection after {connection.timeout} s") from error
    except OSError as error:
        raise NewConnectionError(connection, str(error)) from error


def _open(connection: HTTPConnection, address: str) -> socket.socket:
    return create_connection(
        (address, connection.port),
        connection.timeout,
        source_address=connection.source_address,
        socket_options=connection.socket_options,
    )


def _name(entry: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?", entry):
        raise ConfigError(
            f"download.allow_private_hosts = {entry!r}: expected an address, a network or a host name without port, "
            "like 127.0.0.1, 10.0.0.0/8 or media.internal."
        )
    return entry.lower()
