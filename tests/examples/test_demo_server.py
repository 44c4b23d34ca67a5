"""The demo's server: whole files, validators, 304, and counts that tests can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from examples.demo.server import MediaServer, serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MediaServer]:
    (tmp_path / "a.bin").write_bytes(b"x" * 300_000)
    with serve(tmp_path) as running:
        yield running


def test_a_file_arrives_whole_and_is_counted(server: MediaServer) -> None:
    answer = requests.get(server.url("a.bin"), timeout=5)
    assert answer.content == b"x" * 300_000
    assert (server.requests, server.sent_bytes) == ({200: 1}, 300_000)


@pytest.mark.parametrize(
    ("validator", "condition"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")]
)
def test_an_unchanged_file_is_not_sent_again(server: MediaServer, validator: str, condition: str) -> None:
    first = requests.get(server.url("a.bin"), timeout=5)
    again = requests.get(server.url("a.bin"), headers={condition: first.headers[validator]}, timeout=5)
    assert (again.status_code, again.content) == (304, b"")
    assert server.sent_bytes == 300_000


def test_a_changed_file_is_sent_again(server: MediaServer, tmp_path: Path) -> None:
    first = requests.get(server.url("a.bin"), timeout=5)
    (tmp_path / "a.bin").write_bytes(b"y")
    again = requests.get(server.url("a.bin"), headers={"If-None-Match": first.headers["ETag"]}, timeout=5)
    assert (again.status_code, again.content) == (200, b"y")


def test_a_missing_file_is_404_and_one_connection_serves_many_requests(server: MediaServer) -> None:
    with requests.Session() as session:
        assert session.get(server.url("a.bin"), timeout=5).status_code == 200
        assert session.head(server.url("a.bin"), timeout=5).status_code == 200
        assert session.get(server.url("nowhere"), timeout=5).status_code == 404


def test_a_taken_port_is_an_error(server: MediaServer, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Address already in use"), serve(tmp_path, server.port):
        pass
