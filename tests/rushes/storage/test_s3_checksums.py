"""What goes up to S3 bears a digest that the server can refuse it by: of the whole, or of each part of a large file."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rushes.errors import StorageError
from rushes.storage import open_storage
from tests import storages


class Verifying(BaseHTTPRequestHandler):
    """As much of S3 as an upload needs; refuses bodies that are not what their checksum says, as S3 does."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.damaging:
            body = body[:-1] + bytes([body[-1] ^ 1])
        given = self.headers.get("x-amz-checksum-sha256")
        self.server.checked.append((len(body), given is not None))
        good = given == base64.b64encode(hashlib.sha256(body).digest()).decode()
        self._answer(200 if good else 400, b"" if good else b"<Error><Code>BadDigest</Code></Error>")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upload = b"<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
        whole = b'<CompleteMultipartUploadResult><ETag>"w"</ETag></CompleteMultipartUploadResult>'
        self._answer(200, upload if self.path.endswith("uploads") or "uploads=" in self.path else whole)

    def do_DELETE(self) -> None:
        self._answer(204, b"")

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Verifying)
        self.damaging = False
        self.checked: list[tuple[int, bool]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that hung up after the first refusal."""


@pytest.fixture
def server() -> Iterator[_Server]:
    running = _Server()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    with storages.environment(given | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{running.server_port}"}):
        yield running
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize("size_bytes", [10, 20 << 20])
def test_every_byte_is_covered_by_a_digest_that_the_server_checks(
    server: _Server, tmp_path: Path, size_bytes: int
) -> None:
    (tmp_path / "file").write_bytes(b"x" * size_bytes)
    open_storage("s3://bucket/folder").put(tmp_path / "file", "file")
    assert sum(length for length, _ in server.checked) == size_bytes
    assert all(given for _, given in server.checked)
    assert (len(server.checked) > 1) == (size_bytes > 8 << 20)


@pytest.mark.parametrize("size_bytes", [10, 20 << 20])
def test_what_is_damaged_on_the_way_is_refused(server: _Server, tmp_path: Path, size_bytes: int) -> None:
    server.damaging = True
    (tmp_path / "file").write_bytes(b"x" * size_bytes)
    with pytest.raises(StorageError, match=re.escape("s3://bucket/folder/file: ")):
        open_storage("s3://bucket/folder").put(tmp_path / "file", "file")
