"""When an exchange must be over, down to where its bytes are read from the socket.

A socket's timeout counts from byte to byte. A server that sends one now and then would hold a transfer for ever: in its
headers, in the sizes of its chunks, in its trailers. Here each read gets the time that is left at most.
"""

from __future__ import annotations

import http.client
import io
import math
import re
import socket
import time
from typing import TYPE_CHECKING

from urllib3 import HTTPHeaderDict

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["TimedResponse"]

_BUFFER_BYTES = 64 << 10  # the head and all of a small file come in one read
_MAX_HEADERS = 100  # as in http.client
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PLAIN_HEAD = re.compile(rb"HTTP/1\.1 (200|206|304) ([ -~]*)\r\n((?:%b:[^\r\n\0]*\r\n)+)\r\n" % _TOKEN)


class TimedResponse(http.client.HTTPResponse):
    """An answer of which no part, from the status line to the trailers, is read past its deadline.

    Args:
        sock: Where it comes from; who made it closes it.
        method: Of the request.
        deadline_s: When all of it must be here, as a moment of `time.monotonic`, in seconds.

    Attributes:
        fields: The headers of a plain answer: the body is as long as Content-Length says, and neither encoded nor sent
            in chunks.

    Raises:
        TimeoutError: From any read, once the deadline is over.
    """

    fields: HTTPHeaderDict | None = None

    def __init__(self, sock: socket.socket, method: str, deadline_s: float) -> None:
        super().__init__(_Files(sock, deadline_s), method=method)  # type: ignore[arg-type]

    def begin(self) -> None:
        """Reads the head: that of a plain answer in one pass, any other one as `http.client` does.

        A head is plain that came in one piece, with every header on a line of its own. The email parser, which
        `http.client` reads headers with, takes longer than the rest of a small exchange.
        """
        came: bytes = self.fp.peek() if self._method == "GET" else b""  # type: ignore[attr-defined]
        found = _PLAIN_HEAD.match(came)
        fields = _fields(found[3]) if found else None
        length = _length(int(found[1]), fields) if found and fields else None
        if found is None or length is None:
            super().begin()
            return
        self.fp.read(found.end())
        self.fields, self.length = fields, length
        self.code = self.status = int(found[1])
        self.reason, self.version = found[2].decode("ascii"), 11
        self.chunked = False
        self.will_close = len(came) > found.end() + length  # who sends more than announced may send it as an answer


def _fields(lines: bytes) -> HTTPHeaderDict | None:
    """Returns headers that stand on a line each, as many as `http.client` takes."""
    fields = HTTPHeaderDict()
    for line in (split := lines.decode("latin-1").split("\r\n")[:-1]):
        name, _, value = line.partition(":")
        fields.add(name, value.strip(" \t"))
    return fields if len(split) <= _MAX_HEADERS else None


def _length(status: int, fields: HTTPHeaderDict) -> int | None:
    """Returns the length of a body that is sent as it is, or None where the headers say anything else."""
    if "Transfer-Encoding" in fields or "Content-Encoding" in fields:
        return None
    if fields.get("Connection", "keep-alive").lower() != "keep-alive":
        return None
    length = "0" if status == http.HTTPStatus.NOT_MODIFIED else fields.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


class _Files:
    """What `http.client` asks of a socket: a file to read from, which does not close it."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock, self._deadline_s = sock, deadline_s

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self._sock, self._deadline_s), _BUFFER_BYTES)


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock, self._deadline_s = sock, deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        left_s, timeout_s = self._deadline_s - time.monotonic(), self._sock.gettimeout()
        if left_s <= 0:
            raise TimeoutError("the deadline is over")
        if timeout_s is None or left_s < timeout_s:
            self._sock.settimeout(None if left_s == math.inf else left_s)
        return self._sock.recv_into(buffer)
