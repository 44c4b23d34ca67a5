import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.config import DownloadConfig
from rushes.errors import BadURLError, ConfigError, ConnectionFailedError, ForbiddenHostError
from rushes.transfer.guard import Guard, guarded_session
from rushes.transfer.request import opened
from tests.http_server import Server, ok, redirect, serve


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve({"/a": b"inside"}) as running:
        yield running


def get(url: str, *allowed: str) -> bytes:
    config = DownloadConfig(allow_private_hosts=allowed)
    with guarded_session(config) as session, opened(url, session, config, {}) as transfer:
        return b"".join(transfer.chunks())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"],
)
def test_no_spelling_of_loopback_gets_through(server: Server, host: str) -> None:
    asked = len(server.requests)
    with pytest.raises(ForbiddenHostError, match="not a public address"):
        get(server.url("/a", host))
    assert len(server.requests) == asked


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.0/8", "localhost", "LOCALHOST"])
def test_what_is_listed_gets_through(server: Server, entry: str) -> None:
    assert get(server.url("/a", "localhost"), entry, "::1") == b"inside"


def test_a_listed_name_does_not_list_its_address(server: Server) -> None:
    with pytest.raises(ForbiddenHostError):
        get(server.url("/a"), "localhost")


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "fec0::1",
        "::",
        "::ffff:10.0.0.1",
        "2002:0a00:0001::",
        "64:ff9b::a9fe:a9fe",
    ],
)
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert not Guard().permits("example.org", address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert Guard().permits("example.org", address)


def test_a_listed_network_covers_mapped_addresses() -> None:
    guard = Guard.parse(["10.0.0.0/8", "[fd00::1]"])
    assert guard.permits("x", "::ffff:10.1.2.3")
    assert guard.permits("x", "fd00::1")
    assert not guard.permits("x", "fd00::2")


@pytest.mark.parametrize("entry", ["127.0.0.1:80", "http://h", "10.0.0.0/99", "", "a b"])
def test_an_entry_that_is_no_host_is_said(entry: str) -> None:
    with pytest.raises(ConfigError, match="allow_private_hosts"):
        Guard.parse([entry])


def test_a_name_that_changes_its_address_is_caught_where_it_connects(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "8.8.8.8"])

    def rebinding(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(ForbiddenHostError, match=r"rebinding\.example leads to 127\.0\.0\.1"):
        get(server.url("/a", "rebinding.example"))


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]", "2130706434", "0177.0.0.2"])
def test_a_redirect_inside_is_refused_like_a_first_request(server: Server, host: str) -> None:
    with serve({"/": redirect(server.url("/a", host))}) as outside, pytest.raises(ForbiddenHostError):
        get(outside.url("/"), "127.0.0.1")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/a", "gopher://h/", "http://[::1", "javascript:1"])
def test_a_redirect_leads_to_http_or_nowhere(target: str) -> None:
    with serve({"/": redirect(target)}) as outside, pytest.raises(BadURLError, match="redirected to"):
        get(outside.url("/"), "127.0.0.1")


def test_a_redirect_loop_ends() -> None:
    with serve({"/": redirect("/")}) as outside:
        with pytest.raises(BadURLError, match="more than 10 redirects"):
            get(outside.url("/"), "127.0.0.1")
        assert len(outside.requests) == 11


def test_the_environment_brings_no_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert get(server.url("/a"), "127.0.0.1") == b"inside"


def test_no_item_gets_the_cookies_of_another() -> None:
    with serve({"/a": ok(b"a", Set_Cookie="seen=1; Path=/")}) as server:
        config = DownloadConfig(allow_private_hosts=("127.0.0.1",))
        with guarded_session(config) as session:
            for _ in range(2):
                with opened(server.url("/a"), session, config, {}) as transfer:
                    assert b"".join(transfer.chunks()) == b"a"
        assert all("cookie" not in request.headers for request in server.requests)


def test_tls_is_checked_against_the_name_and_not_the_address(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loopback(host: str, port: int, *_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with serve({"/a": b"inside"}, tls=certificate) as server:
        url = server.url("/a", "media.example").replace("http:", "https:")
        monkeypatch.setattr(socket, "getaddrinfo", loopback)
        with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
            get(url, "media.example")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.with_suffix(".crt")))
        assert get(url, "media.example") == b"inside"
        with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
            get(url.replace("media", "other"), "other.example")
        with pytest.raises(ForbiddenHostError):
            get(url)
