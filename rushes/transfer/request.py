"""One HTTP request: redirects, limits of size and time, and each failure under its own name.

Nothing here repeats a request; see `rushes.files.download` for that. No message carries more of a URL than `redact`
leaves of it, and failures are raised `from None`, because the texts of requests and urllib3 quote whole URLs.
"""

from __future__ import annotations

import http.client
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from rushes.errors import (
    BadURLError,
    ConnectionFailedError,
    DownloadError,
    HTTPStatusError,
    ServerBusyError,
    TooLargeError,
    TransferTimeoutError,
    TruncatedError,
)
from rushes.transfer.exchange import Answer, Times
from rushes.transfer.gate import HostGate
from rushes.transfer.part import CHUNK_BYTES
from rushes.transfer.robots import Manners, check_tag
from rushes.transfer.urls import join, redact

if TYPE_CHECKING:
    from rushes.config import DownloadConfig
    from rushes.transfer.guard import GuardedSession

__all__ = ["MAX_REDIRECTS", "SPEED_WINDOW_S", "Transfer", "opened"]

MAX_REDIRECTS = 10
"""How many redirects are followed."""

SPEED_WINDOW_S = 30.0
"""Over how long `download.min_bytes_per_s` is an average, in seconds."""

_DECODABLE = {"", "identity", "gzip", "x-gzip", "deflate"}
_BUSY = {408, 425, 429}
_HOST_BUSY = {429, 503}
# What else than 200 is an answer to a request with this header.
_EXPECTED = {"If-None-Match": {304}, "If-Modified-Since": {304}, "Range": {206, 416}}
_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_BAD_URLS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationValueError,
    UnicodeError,
)


class Transfer:
    """An answer whose body has yet to be read.

    Attributes:
        url: What was asked for, as it may be shown.
        response: The answer after all redirects: 200; 304 where the request was conditional; 206 or 416 where it asked
            for a range.
        robots: What the host's robots.txt says of it, where it was asked.
    """

    def __init__(
        self, url: str, response: Answer, config: DownloadConfig, deadline_s: float, robots: str | None
    ) -> None:
        self.url = redact(url)
        self.response = response
        self.robots = robots
        self._config = config
        self._deadline_s = deadline_s

    @property
    def not_modified(self) -> bool:
        """Whether the server says that the content is still what its validators name."""
        return self.response.status_code == http.HTTPStatus.NOT_MODIFIED

    @cached_property
    def announced_bytes(self) -> int | None:
        """Length of the body as it is sent, where the server says so."""
        length = self.header("Content-Length")
        return int(length) if length and length.isdecimal() and not self.header("Transfer-Encoding") else None

    def header(self, name: str) -> str | None:
        """Returns a header of the answer."""
        return self.response.headers.get(name)

    def chunks(self) -> Iterator[bytes]:
        """Returns the body as it comes, decoded where the server encoded it unasked.

        Raises:
            DownloadError: Any of its kinds: what the headers show at once, the rest while it is read.
        """
        self._check_announced()
        return self._read()

    def _read(self) -> Iterator[bytes]:
        from_s, from_bytes = time.monotonic(), 0
        with _translated(self.url, self._config, self._deadline_s):
            while chunk := self.response.read(CHUNK_BYTES):
                yield chunk
                if (now_s := time.monotonic()) - from_s >= SPEED_WINDOW_S:
                    self._check_speed(self.response.received_bytes - from_bytes, now_s - from_s)
                    from_s, from_bytes = now_s, self.response.received_bytes
            self._check_length()

    def _check_announced(self) -> None:
        announced, limit = self.announced_bytes, self._config.max_bytes
        if announced is not None and announced > limit:
            raise TooLargeError(
                f"{self.url}: the server announces {announced} bytes, and download.max_bytes is {limit}. "
                "Raise the limit if the item is meant."
            )
        encoding = (self.header("Content-Encoding") or "").strip().lower()
        if encoding not in _DECODABLE:
            raise DownloadError(f"{self.url}: sent as Content-Encoding {encoding!r}, which was not asked for.")

    def _check_speed(self, received_bytes: int, elapsed_s: float) -> None:
        speed, least = received_bytes / elapsed_s, self._config.min_bytes_per_s
        if speed < least:
            raise TransferTimeoutError(
                f"{self.url}: {speed:.0f} bytes a second over the last {elapsed_s:.0f} s, and download.min_bytes_per_s "
                f"is {least}. Try again, or lower it if the host is that slow."
            )

    def _check_length(self) -> None:
        announced, received = self.announced_bytes, self.response.received_bytes
        if announced is not None and announced != received:
            raise TruncatedError(
                f"{self.url}: the connection ended before the content did: {received} bytes arrived, and the server "
                f"announced {announced}. Try again."
            )


@contextmanager
def opened(
    url: str, session: GuardedSession, config: DownloadConfig, headers: Mapping[str, str], method: str = "GET"
) -> Iterator[Transfer]:
    """Sends a request, follows its redirects, and gives the answer until the block ends.

    Until then it has a slot of its host, `config.per_host` at a time. The wait for slots and for robots.txt takes
    nothing of its time.

    Raises:
        DownloadError: Any of its kinds.
    """
    left_s, target, gate = config.timeout_s.total, url, session.gate
    for _ in range(MAX_REDIRECTS + 1):
        manners = _manners(target, session, config)
        with gate.slot(target, manners.per_host, manners.every_s):
            deadline_s = time.monotonic() + left_s
            response = _answer(method, target, session, config, headers, deadline_s)
            try:
                _heed(gate, target, response)
                if not response.is_redirect:
                    _check_status(url, response, headers)
                    if manners.robots is not None:
                        check_tag(url, response.headers.getlist("X-Robots-Tag"))
                    yield Transfer(url, response, config, deadline_s, manners.robots)
                    return
            finally:
                response.close()
            left_s = deadline_s - time.monotonic()
        target = _redirected(url, target, response.headers["Location"])
    raise BadURLError(f"{redact(url)}: more than {MAX_REDIRECTS} redirects, the last one to {redact(target)}.")


def _manners(url: str, session: GuardedSession, config: DownloadConfig) -> Manners:
    if config.robots == "ignore":
        return Manners(config.per_host)
    return session.robots.admit(url, config, lambda file, own: opened(file, session, own, {}))


def _answer(
    method: str,
    url: str,
    session: GuardedSession,
    config: DownloadConfig,
    headers: Mapping[str, str],
    deadline_s: float,
) -> Answer:
    limits = config.timeout_s
    times = Times(min(limits.connect, limits.total), min(limits.read, limits.total), deadline_s)
    with _translated(redact(url), config, deadline_s):
        return session.exchange(method, url, headers, times)


def _redirected(url: str, base: str, location: str) -> str:
    try:
        # Headers are read as Latin-1; what servers mean by bytes above ASCII is UTF-8.
        target = join(base, location.encode("latin-1").decode("utf-8", "replace"))
        scheme = urlsplit(target).scheme
    except ValueError:
        raise BadURLError(f"{redact(url)}: redirected to a malformed address.") from None
    if scheme not in ("http", "https"):
        raise BadURLError(f"{redact(url)}: redirected to {redact(target)}; expected http or https.")
    return target


def _check_status(url: str, response: Answer, headers: Mapping[str, str]) -> None:
    status = response.status_code
    if status == http.HTTPStatus.OK or any(status in _EXPECTED.get(name, ()) for name in headers):
        return
    message = f"{redact(url)}: the server answered {status} {http.client.responses.get(status, '')}".rstrip()
    if status in _BUSY or status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ServerBusyError(f"{message}. Try again later.", status, _retry_after_s(response))
    if status in (http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN):
        raise HTTPStatusError(f"{message}. Check its credentials, and whether a signed URL has expired.", status)
    raise HTTPStatusError(f"{message}. Check the URL, and whether the item still exists.", status)


def _heed(gate: HostGate, url: str, response: Answer) -> None:
    """Tells everybody of a Retry-After that concerns the host; with another status it concerns the item."""
    wait_s = _retry_after_s(response) if response.status_code in _HOST_BUSY else None
    if wait_s is not None:
        gate.ask(url, wait_s)


def _retry_after_s(response: Answer) -> float | None:
    """Reads Retry-After, which is seconds or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, math.ceil(parsedate_to_datetime(text).timestamp() - time.time()))
    except ValueError:
        return None


@contextmanager
def _translated(url: str, config: DownloadConfig, deadline_s: float) -> Iterator[None]:
    limits = config.timeout_s
    try:
        yield
    except urllib3.exceptions.NewConnectionError as error:  # one of the timeouts, says urllib3
        raise _failed(url, error) from None
    except _TIMEOUTS:
        if time.monotonic() >= deadline_s:
            raise TransferTimeoutError(
                f"{url}: not done after {limits.total:g} s. Raise download.timeout_s.total if the host is that slow."
            ) from None
        raise TransferTimeoutError(
            f"{url}: no connection within {limits.connect:g} s, or nothing received for {limits.read:g} s. "
            "The host is down or slow: try again, or raise download.timeout_s."
        ) from None
    except _BAD_URLS:
        raise BadURLError(f"{url}: not a URL that can be fetched; expected http(s)://host/path.") from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        if isinstance(_innermost(error), http.client.IncompleteRead):
            raise TruncatedError(f"{url}: the connection ended before the content did. Try again.") from None
        raise _failed(url, error) from None


def _failed(url: str, error: BaseException) -> ConnectionFailedError:
    return ConnectionFailedError(f"{url}: {_reason(_innermost(error))}. Check the host's name and the network.")


def _innermost(error: BaseException) -> BaseException:
    inner = [getattr(error, "reason", None), error.__cause__, *error.args]
    cause = next((item for item in inner if isinstance(item, BaseException)), None)
    return error if cause is None else _innermost(cause)


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200].rstrip(".")
