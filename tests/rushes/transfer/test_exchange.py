"""Exchanges over kept connections: sent as requests would send them, and never one answer taken for another."""

from __future__ import annotations

import math
import re
from functools import partial

import pytest
import requests
from urllib3.util import parse_url

from rushes.config import DownloadConfig
from rushes.transfer.exchange import Times, request_head, target_of
from rushes.transfer.guard import GuardedSession, guarded_session
from tests import http_server as web
from tests.http_server import serve

CONFIG = DownloadConfig(allow_private_hosts=("127.0.0.1",))
TIMES = Times(5.0, 5.0, math.inf)
_HEAD = b"HTTP/1.1 200 OK\r\n"


def _from(handler: web.Handler) -> None:
    """Answers with the port that the client asked from, which is another one for each connection."""
    web.ok(str(handler.client_address[1]).encode())(handler)


def _more_to_come(answer_bytes: bytes) -> web.Answer:
    """Sends just these bytes, and waits for the next request."""

    def answer(handler: web.Handler) -> None:
        handler.wfile.write(answer_bytes)

    return answer


def _read(session: GuardedSession, url: str) -> bytes:
    exchange = session.exchange("GET", url, {}, TIMES)
    try:
        return b"".join(iter(partial(exchange.read, 1 << 16), b""))
    finally:
        exchange.close()


def _connections(path: str, answer: web.Answer) -> tuple[bytes, int]:
    """Returns the body of an exchange, and over how many connections it and one after it went."""
    with serve({path: answer, "/from": _from}) as server, guarded_session(CONFIG) as session:
        read = [_read(session, url) for url in (server.url("/from"), server.url(path), server.url("/from"))]
        return read[1], 1 if read[0] == read[2] else 2


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a/b.jpg",
        "https://example.com:8443/a_b/~c-d.jpg?size=1&x=y-z.2",
        "http://example.com",
        "http://example.com?x=1",
        "HTTP://Example.COM:80/A",
        "http://example.com/a/../b/./c//d",
        "http://example.com/.hidden/..a/b..c",
        "http://example.com/ein bild/%7euser/%41%2f%zz/ü.jpg?q=ä b&[x]",
        "http://bücher.example/a",
        "http://user:p%40ss@example.com/a",
        "http://[::1]:8080/a#part",
        "http://example.com:65000/a;b?c;d",
        "  http://example.com/a",
    ],
)
def test_a_url_is_understood_as_requests_does(url: str) -> None:
    prepared = requests.Request("GET", url).prepare()
    parts = parse_url(prepared.url or "")
    expected = (parts.scheme, parts.host, parts.port, prepared.path_url, prepared.headers.get("Authorization"))
    assert target_of(url) == expected


@pytest.mark.parametrize(
    "url", ["ftp://example.com/a", "httpx://example.com/a", "mailto:a@b.c", "example.com/a", "http://"]
)
def test_what_is_no_url_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(requests.RequestException):
        target_of(url)


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\0b", " a"])
def test_no_header_is_smuggled_into_a_request(value: str) -> None:
    with pytest.raises(requests.exceptions.InvalidHeader):
        request_head("GET", target_of("http://example.com/a"), {"If-None-Match": value})


def test_the_host_header_names_the_port_only_where_it_is_another_one() -> None:
    heads = [
        request_head("GET", target_of(f"{url}/a"), {}) for url in ("http://a.b:80", "https://a.b:443", "http://a.b:81")
    ]
    assert [re.findall(rb"Host: (.*)\r\n", head) for head in heads] == [[b"a.b"], [b"a.b"], [b"a.b:81"]]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (web.ok(b"a" * 200_000), b"a" * 200_000),
        (web.ok(b""), b""),
        (web.chunked(b"ab", b"c"), b"abc"),
        (web.gzipped(b"abc" * 1000), b"abc" * 1000),
        (web.status(304, b""), b""),
        (web.status(404, b"no"), b"no"),
    ],
    ids=["plain", "empty", "chunked", "gzipped", "not modified", "not found"],
)
def test_a_connection_is_kept_for_the_next_request(answer: web.Answer, body: bytes) -> None:
    assert _connections("/a", answer) == (body, 1)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (_more_to_come(_HEAD + b"Content-Length: 3\r\n\r\nabc" + _HEAD + b"Content-Length: 4\r\n\r\nevil"), b"abc"),
        (web.raw(_HEAD + b"Content-Length: 9\r\n\r\nabc"), b"abc"),
        (web.raw(_HEAD + b"\r\nabc"), b"abc"),
        (_more_to_come(_HEAD + b"Content-Length: 3\r\nConnection: close\r\n\r\nabc"), b"abc"),
        (_more_to_come(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"), b"abc"),
    ],
    ids=["more than announced", "less than announced", "no length", "told to close", "an old server"],
)
def test_a_connection_is_not_kept_where_more_may_come_over_it(answer: web.Answer, body: bytes) -> None:
    assert _connections("/a", answer) == (body, 2)


def test_a_kept_connection_that_the_server_closed_costs_no_try() -> None:
    served: set[int] = set()

    def once_a_connection(handler: web.Handler) -> None:
        if handler.client_address[1] in served:
            handler.hang_up()  # without a word, as when it closes just now what was idle
        else:
            served.add(handler.client_address[1])
            web.ok(b"abc")(handler)

    with serve({"/a": once_a_connection}) as server, guarded_session(CONFIG) as session:
        assert [_read(session, server.url("/a")) for _ in range(3)] == [b"abc"] * 3
        assert len(served) == 3


def test_a_new_connection_that_the_server_closes_is_not_asked_again() -> None:
    with serve({"/a": web.slammed}) as server, guarded_session(CONFIG) as session:
        with pytest.raises(ConnectionError):
            session.exchange("GET", server.url("/a"), {}, TIMES)
        assert server.paths() == ["/a"]


@pytest.mark.parametrize(
    "lines",
    [
        b"X-Long: a\r\n b\r\nContent-Length: 3\r\n",
        b"Content-Length : 3\r\nConnection: close\r\n",
        b"X: 1\nContent-Length: 3\r\n",
        b"no colon\r\nContent-Length: 3\r\n",
    ],
    ids=["folded", "a space before the colon", "a bare newline", "no colon"],
)
def test_an_unusual_head_is_read_as_http_client_reads_it(lines: bytes) -> None:
    with serve({"/a": web.raw(_HEAD + lines + b"\r\nabc")}) as server, guarded_session(CONFIG) as session:
        assert _read(session, server.url("/a")) == b"abc"


def test_a_body_that_is_left_unread_does_not_become_the_next_answer() -> None:
    with serve({"/a": b"a" * 100_000, "/b": b"b"}) as server, guarded_session(CONFIG) as session:
        left = session.exchange("GET", server.url("/a"), {}, TIMES)
        assert left.read(10)
        left.close()
        assert _read(session, server.url("/b")) == b"b"
