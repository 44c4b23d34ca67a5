"""A web server on loopback that behaves as badly as it is told to, for tests that need a real one.

    with serve({"/a.jpg": b"…", "/busy.jpg": after(2, status(503), ok(b"…"))}) as server:
        get(server.url("/a.jpg"))
        assert server.paths() == ["/a.jpg"]

`serve(folder)` serves the files of a folder, with validators; both may be had in one: `serve(folder, routes)`.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import itertools
import mimetypes
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Records each request, and lets the route answer it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are written apart, and would wait 40 ms for each other
    server: _Server

    def do_GET(self) -> None:
        asked = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, self.command)
        self.server.requests.append(asked)
        try:
            self.server.find(asked.name)(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def do_HEAD(self) -> None:
        """Answers as to GET, without the body."""
        line, answer = self.wfile, io.BytesIO()
        self.wfile = answer
        try:
            self.do_GET()
        finally:
            self.wfile = line
        head, end, _ = answer.getvalue().partition(b"\r\n\r\n")
        self.wfile.write(head + end)

    def log_message(self, *args: object) -> None:
        pass

    def head(self, status: int = 200, **headers: object) -> None:
        """Sends status line and headers; underscores in names stand for dashes."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def hang_up(self) -> None:
        self.close_connection = True

    def wait(self, seconds: float) -> bool:
        """Waits, or returns True at once when the server is closing."""
        return self.server.closing.wait(seconds)


Answer = Callable[[Handler], None]


class Meter:
    """Counts how many requests are under way at once, over all routes that it stands before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0

    def before(self, then: Answer, pause_s: float) -> Answer:
        """Waits a while, and answers. The client cannot have the answer, and so begin another, before it is counted."""

        def answer(handler: Handler) -> None:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            handler.wait(pause_s)
            with self._lock:
                self.now -= 1
            then(handler)

        return answer


@dataclass(frozen=True)
class Request:
    """What a client asked for; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    method: str = "GET"

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.path).path)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, routes: Mapping[str, Answer], folder: Path | None, address: tuple[str, int]) -> None:
        super().__init__(address, Handler)
        self.routes, self.folder = routes, folder
        self.requests: list[Request] = []
        self.closing = threading.Event()

    def find(self, name: str) -> Answer:
        if name in self.routes:
            return self.routes[name]
        path = self.folder / name.lstrip("/") if self.folder else None
        return file(path) if path and path.is_file() else status(404)

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@dataclass(frozen=True)
class Server:
    """A running server; its routes may be changed while it runs."""

    port: int
    requests: list[Request] = field(default_factory=list)
    routes: dict[str, Answer] = field(default_factory=dict)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [request.path for request in self.requests]


@contextmanager
def serve(
    content: Path | Mapping[str, Answer | bytes],
    routes: Mapping[str, Answer | bytes] | None = None,
    tls: Path | None = None,
    address: tuple[str, int] = ("127.0.0.1", 0),
) -> Iterator[Server]:
    """Serves a folder, or routes, or a folder with routes that go first, until the block ends.

    `tls` is a file with key and certificate; then the server speaks TLS. `address` is where it listens, on loopback.
    """
    folder = content if isinstance(content, Path) else None
    found = routes or ({} if isinstance(content, Path) else content)
    answers = {path: ok(answer) if isinstance(answer, bytes) else answer for path, answer in found.items()}
    server = _Server(answers, folder, address)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Server(server.server_port, server.requests, answers)
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def ok(body: bytes, content_type: str = "application/octet-stream", **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), Content_Type=content_type, **headers)
        handler.wfile.write(body)

    return answer


def status(code: int, body: bytes = b"<html>no</html>", **headers: object) -> Answer:
    def answer(handler: Handler) -> None:
        handler.head(code, Content_Length=len(body), Content_Type="text/html; charset=utf-8", **headers)
        handler.wfile.write(body)

    return answer


def after(times: int, first: Answer, then: Answer) -> Answer:
    """Answers so many times with the one, and with the other from then on."""
    number = itertools.count()
    return lambda handler: (first if next(number) < times else then)(handler)


def in_turn(*answers: Answer) -> Answer:
    """Answers with the one and with the other, again and again."""
    turns = itertools.cycle(answers)
    return lambda handler: next(turns)(handler)


def page(text: str = "<!doctype html><title>Please log in</title>") -> Answer:
    """An error page that calls itself a success."""
    return ok(text.encode(), "text/html")


def truncated(body: bytes, sent: int, **headers: object) -> Answer:
    """Announces all of it, sends some of it, and hangs up."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), **headers)
        handler.wfile.write(body[:sent])
        handler.hang_up()

    return answer


def reset(body: bytes, sent: int, **headers: object) -> Answer:
    """Sends some of it, and resets the connection."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), **headers)
        handler.wfile.write(body[:sent])
        handler.wfile.flush()
        handler.wait(0.05)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()
        handler.hang_up()

    return answer


def slammed(handler: Handler) -> None:
    """Hangs up without a word."""
    handler.hang_up()


def raw(answer_bytes: bytes) -> Answer:
    """Sends just these bytes, and hangs up."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(answer_bytes)
        handler.hang_up()

    return answer


def stall(seconds: float = 30, body: bytes = b"abc", length: int | None = None, **headers: object) -> Answer:
    """Sends the headers and a little, and then nothing for a long time."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=length or len(body) + 1, **headers)
        handler.wfile.write(body)
        handler.wait(seconds)
        handler.hang_up()

    return answer


def silent(seconds: float = 30) -> Answer:
    """Accepts the request and says nothing."""

    def answer(handler: Handler) -> None:
        handler.wait(seconds)
        handler.hang_up()

    return answer


def drip(body: bytes, pause_s: float) -> Answer:
    """Sends byte after byte, each soon enough for a read timeout."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body))
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if handler.wait(pause_s):
                break

    return answer


def dripping_head(pause_s: float) -> Answer:
    """Sends header after header, each soon enough for a read timeout, and no end of them."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in itertools.count():
            handler.wfile.write(b"X-%d: 0\r\n" % number)
            if handler.wait(pause_s) or number > 1000:
                break
        handler.hang_up()

    return answer


def dripping_text(text: bytes, pause_s: float, head: bytes = b"") -> Answer:
    """Sends `head` at once, and then one piece of text again and again."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(head)
        while not handler.wait(pause_s):
            handler.wfile.write(text)

    return answer


TRAVERSING = 'attachment; filename="../../../../tmp/rushes-was-here"; filename*=UTF-8%27%27..%2F..%2Frushes-was-here'
UNICODE = "attachment; filename*=UTF-8''%e2%80%ae4pm.exe; filename=\"\xe9t\xe9.mp4\""
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def steady(body: bytes, size: int, pause_s: float, **headers: object) -> Answer:
    """Sends so many bytes at a time."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body), **headers)
        for start in range(0, len(body), size):
            handler.wfile.write(body[start : start + size])
            if handler.wait(pause_s):
                break

    return answer


def announcing(length: int) -> Answer:
    """Announces any length, and sends next to nothing."""

    def answer(handler: Handler) -> None:
        handler.head(200, Content_Length=length)
        handler.wfile.write(b"x")
        handler.hang_up()

    return answer


def endless(chunk: bytes = b"\0" * 65536, limit: int = 1000) -> Answer:
    """Announces no length and does not stop."""

    def answer(handler: Handler) -> None:
        handler.head(200, Connection="close")
        handler.hang_up()
        for _ in range(limit):
            handler.wfile.write(chunk)

    return answer


def gzipped(body: bytes) -> Answer:
    """Encodes the body although nobody asked for it."""
    return ok(gzip.compress(body, mtime=0), Content_Encoding="gzip")


def chunked(*chunks: bytes, ended: bool = True) -> Answer:
    """Sends chunks, and the last one, or hangs up before it."""

    def answer(handler: Handler) -> None:
        handler.head(200, Transfer_Encoding="chunked")
        for chunk in chunks:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if ended:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.hang_up()

    return answer


def redirect(location: str, code: int = 302) -> Answer:
    return status(code, b"elsewhere", Location=location)


def validated(
    body: bytes,
    etag: str | None = None,
    last_modified: str | None = None,
    content_type: str = "application/octet-stream",
) -> Answer:
    """Answers 304 to a client that names the validator."""
    own = {"ETag": etag, "Last_Modified": last_modified}
    given = {name: value for name, value in own.items() if value}

    def answer(handler: Handler) -> None:
        asked = handler.headers
        if (etag and asked.get("If-None-Match") == etag) or (
            not etag and last_modified and asked.get("If-Modified-Since") == last_modified
        ):
            handler.head(304, **given)
        else:
            ok(body, content_type, **given)(handler)

    return answer


def ranged(body: bytes, **headers: object) -> Answer:
    """Sends the rest to a client that asks for it and whose If-Range still holds, else all (RFC 9110, 13.2.2)."""
    holds = {headers.get("ETag"), headers.get("Last_Modified")}

    def answer(handler: Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        if "Range" not in handler.headers or handler.headers.get("If-Range") not in holds:
            ok(body, "application/octet-stream", **headers)(handler)
        elif start >= len(body):
            status(416, b"", Content_Range=f"bytes */{len(body)}")(handler)
        else:
            part(body, start, None, **headers)(handler)

    return answer


def part(body: bytes, start: int, content_range: str | None = None, **headers: object) -> Answer:
    """Sends the rest from a byte on, whatever was asked for, and says what it is, truly or not."""

    def answer(handler: Handler) -> None:
        said = content_range or f"bytes {start}-{len(body) - 1}/{len(body)}"
        handler.head(206, Content_Length=len(body) - start, Content_Range=said, **headers)
        handler.wfile.write(body[start:])

    return answer


def file(path: Path) -> Answer:
    """A file as a good server sends it."""

    def answer(handler: Handler) -> None:
        body = path.read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        validated(body, etag, formatdate(path.stat().st_mtime, usegmt=True), kind)(handler)

    return answer
