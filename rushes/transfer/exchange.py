"""One request and its answer, over a connection that is kept.

For a file of 50 KB, what requests and urllib3 do around an exchange takes several times the processor time of the
exchange itself. Their settings, pools and connections are used here, and between a connection and its socket stands
little: the request is one write, and the head of a plain answer is read in one pass. Whatever is not plain is read by
`http.client` and urllib3, as they always do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import requests
import urllib3
from urllib3.connectionpool import HTTPConnectionPool

from rushes.transfer.deadline import TimedResponse

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection

__all__ = ["Answer", "ExchangePool", "Target", "Times", "request_head", "target_of"]

_REDIRECTS = {301, 302, 303, 307, 308}
# URLs that requests would leave as they are.
_PLAIN_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9][a-z0-9.-]*)(?::(?P<port>[1-9][0-9]{0,3}|[1-5][0-9]{4}))?"
    r"(?P<path>(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+(?:\?[A-Za-z0-9._~=&-]+)?)"
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ILLEGAL = re.compile(r"[\r\n\0]|^\s")


class Times(NamedTuple):
    """How long an exchange may take, in seconds.

    Attributes:
        connect_s: For a new connection.
        read_s: From one byte to the next.
        deadline_s: When the answer must be here, its body with it, as a moment of `time.monotonic`.
    """

    connect_s: float
    read_s: float
    deadline_s: float


class Target(NamedTuple):
    """Where a request goes.

    Attributes:
        scheme: http or https.
        host: Name or address, an IPv6 one in brackets.
        port: None where the URL names none.
        path: With the query.
        authorization: What the URL's user and password come to.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    authorization: str | None = None


def target_of(url: str) -> Target:
    """Returns where a request for a URL goes, as requests understands it.

    Raises:
        requests.RequestException: It is no URL of http(s).
    """
    plain = _PLAIN_URL.fullmatch(url)
    if plain:
        return Target(plain["scheme"], plain["host"], int(plain["port"]) if plain["port"] else None, plain["path"])
    prepared = requests.Request("GET", url).prepare()
    parts = urllib3.util.parse_url(prepared.url or "")
    if parts.scheme not in _DEFAULT_PORTS or not parts.host:
        raise requests.exceptions.InvalidSchema("expected http or https")
    return Target(parts.scheme, parts.host, parts.port, prepared.path_url, prepared.headers.get("Authorization"))


def request_head(method: str, target: Target, headers: Mapping[str, str]) -> bytes:
    """Returns a request without a body, as it is sent.

    Raises:
        requests.RequestException: A header cannot be sent.
        UnicodeError: Likewise, or the path has characters that URLs have not.
    """
    default = target.port in (None, _DEFAULT_PORTS[target.scheme])
    lines = [f"Host: {target.host}" if default else f"Host: {target.host}:{target.port}"]
    for name, value in headers.items():
        if _ILLEGAL.search(value):
            raise requests.exceptions.InvalidHeader(f"the header {name} has characters that headers have not")
        lines.append(f"{name}: {value}")
    if target.authorization:
        lines.append(f"Authorization: {target.authorization}")
    first = f"{method} {target.path} HTTP/1.1\r\n".encode("ascii")
    return first + "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


class ExchangePool(HTTPConnectionPool):
    """A pool whose connections are used without urllib3's own way of sending requests."""

    def exchange(self, method: str, head: bytes, times: Times) -> Answer:
        """Sends a request and reads the head of its answer.

        Args:
            method: Of the request.
            head: All of the request.
            times: How long it may take.

        Raises:
            OSError: Or `http.client.HTTPException`, or urllib3's errors.
        """
        connection: HTTPConnection = self._get_conn()  # type: ignore[assignment]  # ours is one
        kept = not connection.is_closed
        try:
            return self._over(connection, method, head, times)
        except ConnectionError:
            if not kept:
                raise
        # The server had closed it, as servers do with what is idle (RFC 9112, 9.3.1): no try was lost, ask anew.
        connection = self._get_conn()  # type: ignore[assignment]
        connection.close()
        return self._over(connection, method, head, times)

    def _over(self, connection: HTTPConnection, method: str, head: bytes, times: Times) -> Answer:
        response = None
        try:
            if connection.is_closed:
                connection.timeout = times.connect_s
                connection.connect()
            connection.sock.settimeout(times.read_s)
            with suppress(BrokenPipeError):  # the server may have answered before it hung up
                connection.sock.sendall(head)
            response = TimedResponse(connection.sock, method, times.deadline_s)
            response.begin()
            return Answer(self, connection, response, method)
        except BaseException:
            if response:
                response.close()
            self._give_back(connection, usable=False)
            raise

    def _give_back(self, connection: HTTPConnection, usable: bool) -> None:
        if not usable:
            connection.close()
        self._put_conn(connection)


class Answer:
    """An answer whose body has yet to be read; its connection goes back to its pool when it is closed.

    Attributes:
        status_code: Of the answer.
        headers: Of the answer, by name in any case.
        received_bytes: How much of the body has come, as it is sent.
    """

    def __init__(self, pool: ExchangePool, connection: HTTPConnection, response: TimedResponse, method: str) -> None:
        self.status_code = response.status
        self.headers = response.fields or urllib3.HTTPHeaderDict(response.headers.items())
        self._pool, self._connection, self._response = pool, connection, response
        self._ended = self._closed = False
        self._received_bytes = 0
        self._body = None if response.fields else self._decoding(method)

    @property
    def is_redirect(self) -> bool:
        """Whether it names another place to ask."""
        return self.status_code in _REDIRECTS and "Location" in self.headers

    @property
    def received_bytes(self) -> int:
        """How much of the body has come, as it is sent."""
        return self._received_bytes if self._body is None else self._body.tell()

    def read(self, most_bytes: int) -> bytes:
        """Returns what is there of the body, decoded where it was encoded; nothing at its end."""
        if self._body is None:
            piece = self._response.read1(most_bytes)
            self._received_bytes += len(piece)
        else:
            piece = self._body.read1(most_bytes, decode_content=True)
        self._ended = not piece
        return piece

    def close(self) -> None:
        """Ends the exchange; a connection with nothing left to read is kept for the next one."""
        if self._closed:
            return
        self._closed = True
        left = self._response.length
        whole = left == 0 or (self._ended and left is None)
        self._response.close()
        self._pool._give_back(self._connection, usable=whole and not self._response.will_close)  # noqa: SLF001

    def _decoding(self, method: str) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(
            body=self._response,
            headers=self.headers,
            status=self.status_code,
            preload_content=False,
            request_method=method,
        )
