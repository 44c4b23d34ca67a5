"""One request against a server that misbehaves: each failure has its own name, and takes no longer than allowed."""

import socket
import time
from email.utils import formatdate
from typing import Any

import pytest

from rushes.config import DownloadConfig, Timeouts
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
from rushes.transfer import request as transfer_module
from rushes.transfer.guard import guarded_session
from rushes.transfer.request import opened
from tests import http_server as web
from tests.http_server import Answer, serve

BODY = bytes(range(256)) * 64


def get(url: str, headers: dict[str, str] | None = None, **settings: Any) -> bytes | None:
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), **settings)
    with guarded_session(config) as session, opened(url, session, config, headers or {}) as transfer:
        return None if transfer.not_modified else b"".join(transfer.chunks())


def ask(answer: Answer, **settings: Any) -> bytes | None:
    with serve({"/clip.mp4": answer}) as server:
        return get(server.url("/clip.mp4"), **settings)


@pytest.mark.parametrize(
    "answer",
    [web.ok(BODY), web.chunked(BODY[:100], BODY[100:]), web.gzipped(BODY), web.validated(BODY, '"x"'), web.ok(b"")],
)
def test_the_body_arrives_as_it_is(answer: Answer) -> None:
    assert ask(answer) in (BODY, b"")


def test_an_empty_body_is_a_body() -> None:
    assert ask(web.ok(b"")) == b""


def test_bytes_are_asked_for_as_they_are() -> None:
    with serve({"/a": b"a"}) as server:
        get(server.url("/a"))
        assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (web.status(404), HTTPStatusError),
        (web.status(403), HTTPStatusError),
        (web.status(204, b""), HTTPStatusError),
        (web.status(206, b"ab"), HTTPStatusError),
        (web.status(304, b""), HTTPStatusError),
        (web.status(300, b""), HTTPStatusError),
        (web.status(429), ServerBusyError),
        (web.status(408), ServerBusyError),
        (web.status(500), ServerBusyError),
        (web.truncated(BODY, 100), TruncatedError),
        (web.truncated(BODY, 0), TruncatedError),
        (web.chunked(BODY, ended=False), TruncatedError),
        (web.reset(BODY, 100), ConnectionFailedError),
        (web.slammed, ConnectionFailedError),
        (web.ok(b"no gzip at all", Content_Encoding="gzip"), ConnectionFailedError),
        (web.ok(BODY, Content_Encoding="br"), DownloadError),
    ],
)
def test_each_failure_has_its_name(answer: Answer, expected: type[DownloadError]) -> None:
    with pytest.raises(expected) as caught:
        ask(answer)
    assert type(caught.value) is expected
    assert str(caught.value).startswith("http://127.0.0.1:")


def test_a_refused_connection_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ConnectionFailedError, match="Connection refused"):
        get(f"http://127.0.0.1:{port}/a")


def test_a_server_without_tls_is_told() -> None:
    with serve({"/a": b"a"}) as server, pytest.raises(ConnectionFailedError, match="SSL"):
        get(server.url("/a").replace("http:", "https:"))


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1/a", "http://a b/", "http://h:x/", "ssh://h/a", f"http://{'a' * 70}/"]
)
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(BadURLError):
        get(url)


@pytest.mark.parametrize("answer", [web.stall(), web.silent()])
def test_silence_ends_in_a_timeout(answer: Answer) -> None:
    start_s = time.monotonic()
    with pytest.raises(TransferTimeoutError, match=r"0\.2 s"):
        ask(answer, timeout_s={"read": 0.2})
    assert time.monotonic() - start_s < 2


ENDLESS: dict[str, Answer] = {
    "headers that drip": web.dripping_head(0.02),
    "a status line that drips": web.dripping_text(b"0", 0.02, b"HTTP/1.1 2"),
    "a body that drips": web.drip(BODY, 0.02),
    "a chunk's size that drips": web.dripping_text(b"0", 0.02, web.CHUNKED),
    "trailers without end": web.dripping_text(b"X-A: 0\r\n", 0.001, web.CHUNKED + b"0\r\n"),
    "interim answers without end": web.dripping_text(b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "redirects that take their time": web.after(
        2, lambda handler: (handler.wait(0.15), web.redirect("/clip.mp4")(handler))[1], web.silent()
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_the_whole_exchange_ends_in_its_time(name: str) -> None:
    start_s = time.monotonic()
    with pytest.raises(TransferTimeoutError, match=r"not done after 0\.4 s"):
        ask(ENDLESS[name], timeout_s={"total": 0.4})
    assert 0.3 < time.monotonic() - start_s < 2


def test_the_deadline_of_one_request_is_not_that_of_the_next() -> None:
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), timeout_s=Timeouts(total=0.5), per_host=1)
    with serve({"/clip.mp4": web.steady(b"abc", 1, 0.1)}) as server, guarded_session(config) as session:
        for _ in range(3):
            with opened(server.url("/clip.mp4"), session, config, {}) as transfer:
                assert b"".join(transfer.chunks()) == b"abc"


def test_less_than_the_least_speed_ends_in_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_module, "SPEED_WINDOW_S", 0.2)
    slow = web.steady(BODY, 20, 0.02)
    with pytest.raises(TransferTimeoutError, match=r"download\.min_bytes_per_s is 100000"):
        ask(slow, min_bytes_per_s="100kB", timeout_s={"total": 5})
    assert ask(web.steady(BODY, 2000, 0.05), min_bytes_per_s="1kB") == BODY
    assert ask(web.steady(b"slowly", 1, 0.1), min_bytes_per_s=0) == b"slowly"


def test_a_slow_transfer_within_its_time_arrives() -> None:
    assert ask(web.drip(b"slowly", 0.02), timeout_s={"read": 0.5}) == b"slowly"


def test_too_much_is_refused_before_it_is_read() -> None:
    with pytest.raises(TooLargeError, match="announces 16384 bytes"):
        ask(web.ok(BODY), max_bytes=16383)
    assert ask(web.ok(BODY), max_bytes=16384) == BODY


def test_a_redirect_is_followed_without_reading_what_it_says() -> None:
    def wordy(handler: web.Handler) -> None:
        handler.head(302, Location="/b", Connection="close")
        handler.wait(30)

    with serve({"/a": wordy, "/b": b"there"}) as server:
        assert get(server.url("/a"), timeout_s={"read": 0.5}) == b"there"


def test_credentials_follow_a_redirect_to_their_own_host_only() -> None:
    with serve({"/b": b"there"}) as other:
        routes: dict[str, Answer | bytes] = {
            "/away": web.redirect(other.url("/b")),
            "/home": web.redirect("/b"),
            "/b": b"here",
        }
        with serve(routes) as server:
            for path in ("/away", "/home"):
                get(server.url(path).replace("//", "//me:secret@"))
            assert all("authorization" in request.headers for request in server.requests)
        assert [request.headers.get("authorization") for request in other.requests] == [None]


def test_known_content_is_not_sent_again() -> None:
    with serve({"/a": web.validated(b"a", '"v1"')}) as server:
        assert get(server.url("/a"), {"If-None-Match": '"v1"'}) is None
        assert get(server.url("/a"), {"If-None-Match": '"v0"'}) == b"a"


@pytest.mark.parametrize(("in_s", "least_s", "most_s"), [(7, 7, 7), (30.0, 20, 31), (-1000.0, 0, 0)])
def test_retry_after_is_seconds_or_a_date(in_s: float, least_s: float, most_s: float) -> None:
    text = in_s if isinstance(in_s, int) else formatdate(time.time() + in_s, usegmt=True)
    with pytest.raises(ServerBusyError) as caught:
        ask(web.status(503, Retry_After=text))
    assert caught.value.http_status == 503
    assert caught.value.retry_after_s is not None
    assert least_s <= caught.value.retry_after_s <= most_s


def test_a_retry_after_that_says_nothing_is_none() -> None:
    with pytest.raises(ServerBusyError) as caught:
        ask(web.status(503, Retry_After="soon"))
    assert caught.value.retry_after_s is None


SECRET_ANSWERS: list[Answer] = [
    web.status(404),
    web.status(403),
    web.status(503),
    web.truncated(BODY, 10),
    web.chunked(BODY, ended=False),
    web.reset(BODY, 10),
    web.slammed,
    web.stall(),
    web.ok(BODY, Content_Encoding="br"),
    web.redirect("file:///a?sig=SECRET"),
    web.redirect("http://u:SECRET@[::1/a"),
    web.redirect("http://u:SECRET@127.0.0.9/?token=SECRET"),
    web.redirect("/clip.mp4?sig=SECRET"),
    web.redirect("http://u:SECRET@127.0.0.1:1/?token=SECRET"),
]


@pytest.mark.parametrize("answer", SECRET_ANSWERS)
def test_no_message_carries_credentials(answer: Answer) -> None:
    with serve({"/clip.mp4": answer}) as server:
        url = server.url("/clip.mp4?sig=SECRET&X-Amz-Credential=SECRET&id=7").replace("//", "//user:SECRET@")
        with pytest.raises(DownloadError) as caught:
            get(url, timeout_s={"read": 0.2, "total": 0.3})
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
