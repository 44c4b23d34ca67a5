"""Whatever a server does, a transfer ends in its time: with all the bytes, or with the one code that says why not."""

import hashlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import stamina

from rushes.config import DownloadConfig
from rushes.errors import ConnectionFailedError, RushesError, TransferTimeoutError
from rushes.files.download import fetch
from rushes.records import Download, Source
from rushes.transfer.guard import guarded_session
from tests.http_server import serve
from tests.misbehaviours import ARRIVES, CASES, Case, table

LOOPBACK = {"allow_private_hosts": ("127.0.0.1",)}


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def get(url: str, root: Path, **settings: object) -> Download | None:
    config = DownloadConfig.model_validate({"attempts": 2, **LOOPBACK, **settings})
    with guarded_session(config) as session:
        return fetch(Source("clip", url), root, "incoming/clip", config, session)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_transfer_ends_as_it_must(case: Case, tmp_path: Path) -> None:
    more = {"/other": case.other, "/robots.txt": case.robots}
    routes = {"/clip.mp4": case.answer} | {path: answer for path, answer in more.items() if answer}
    start_s = time.monotonic()
    with serve(routes) as server:
        url = server.url("/clip.mp4?token=SECRET").replace("//", "//user:SECRET@")
        if case.outcome == ARRIVES:
            found = get(url, tmp_path, **case.settings)
            assert found is not None
            assert (tmp_path / found.path).read_bytes() == case.body
            assert found.digests["sha256"] == hashlib.sha256(case.body).hexdigest()
        else:
            with pytest.raises(RushesError) as caught:
                get(url, tmp_path, **case.settings)
            assert caught.value.code == case.outcome
            assert "SECRET" not in str(caught.value)
        assert len(server.requests) == case.requests
    assert time.monotonic() - start_s < 5
    # A part that can be gone on with stays in its place; nothing else is anywhere.
    assert {path.name for path in tmp_path.rglob("*")} <= {"incoming", "clip", "clip.json"}
    if case.outcome != ARRIVES:
        assert not (tmp_path / "incoming/clip").exists()


def test_the_table_names_each_behaviour_once() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
    assert not [case.name for case in CASES if re.search(r"[|\n]", case.name)]


def test_the_page_of_servers_has_this_table() -> None:
    page = (Path(__file__).parents[3] / "docs/servers.md").read_text()
    assert table() in page, "Put what `python -m tests.misbehaviours` prints into docs/servers.md."


@contextmanager
def listening(first: bytes | None) -> Iterator[str]:
    """Accepts connections; sends some bytes and hangs up, or sends nothing and keeps the line."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                held.append(line)
                if first is not None:
                    line.recv(1 << 16)
                    line.sendall(first)
                    line.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/clip.mp4"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for line in held:
            line.close()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\x15\x03\x03\0\x02\x02("]
)
def test_tls_that_breaks_off_is_a_failed_connection(first: bytes, tmp_path: Path) -> None:
    with listening(first) as url, pytest.raises(ConnectionFailedError) as caught:
        get(url, tmp_path)
    assert caught.value.attempts == 2


def test_tls_that_never_begins_is_a_timeout(tmp_path: Path) -> None:
    with listening(None) as url, pytest.raises(TransferTimeoutError):
        get(url, tmp_path, timeout_s={"connect": 0.2, "read": 0.2})


def test_a_certificate_that_nobody_signed_is_refused(certificate: Path, tmp_path: Path) -> None:
    with serve({"/clip.mp4": b"x"}, tls=certificate) as server:
        with pytest.raises(ConnectionFailedError, match="certificate verify failed"):
            get(server.url("/clip.mp4").replace("http:", "https:"), tmp_path)
        assert server.requests == []
