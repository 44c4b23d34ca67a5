"""A loopback HTTP server for the demo: files of one folder, with validators, so that a second run asks and gets 304."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["MediaServer", "serve"]


class MediaServer(ThreadingHTTPServer):
    """Serves one folder and counts what it answered.

    Attributes:
        host: The address it listens on.
        requests: Number of answers by HTTP status.
        sent_bytes: Length of all bodies sent; headers do not count.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, port: int, host: str) -> None:
        super().__init__((host, port), partial(_Handler, directory=str(folder)))
        self.host = host
        self.requests: Counter[int] = Counter()
        self.sent_bytes = 0
        self._counting = threading.Lock()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.server_port

    def url(self, name: str) -> str:
        """The URL of a file in the folder."""
        return f"http://{self.host}:{self.port}/{name}"

    def count(self, *, status: int | None = None, size_bytes: int = 0) -> None:
        """Adds one answer, or the length of one body."""
        with self._counting:
            self.requests.update([] if status is None else [status])
            self.sent_bytes += size_bytes


class _Handler(SimpleHTTPRequestHandler):
    server: MediaServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    _etag: str | None = None

    def send_head(self) -> Any:
        path = Path(self.translate_path(self.path))
        self._etag = _etag(path) if path.is_file() else None
        if self._etag and self.headers.get("If-None-Match") == self._etag:
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            return None
        return super().send_head()

    def end_headers(self) -> None:
        if self._etag:
            self.send_header("ETag", self._etag)
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        while block := source.read(1 << 18):
            self.server.count(size_bytes=len(block))  # first, because who has it all may ask at once
            outputfile.write(block)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        self.server.count(status=int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class names it so
        """Stays quiet."""


def _etag(path: Path) -> str:
    stat = path.stat()
    return f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'


@contextmanager
def serve(folder: Path, port: int = 0, host: str = "127.0.0.1") -> Iterator[MediaServer]:
    """Serves a folder, on loopback as it comes, while the block runs.

    Args:
        folder: What to serve.
        port: Where to listen; 0 takes a free one.
        host: The address to listen on.

    Raises:
        OSError: The port is taken.
    """
    with MediaServer(folder, port, host) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
