"""When an exchange must be over, down to where its bytes are read from the socket.

A socket's timeout counts from byte to byte. A server that sends one now and then would hold a transfer for ever: in its
headers, in the sizes of its chunks, in its trailers. Here each read gets the time that is left at most.
"""

from __future__ import annotations

import http.client
import io
import math
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["TimedResponse", "ends_by"]

# urllib3 takes no argument of ours down to where it reads; requests of other threads have their own.
_deadline_s: ContextVar[float] = ContextVar("deadline_s", default=math.inf)


@contextmanager
def ends_by(deadline_s: float) -> Iterator[None]:
    """Has the requests that begin in this block end by a moment of `time.monotonic`, in seconds, with their bodies."""
    token = _deadline_s.set(deadline_s)
    try:
        yield
    finally:
        _deadline_s.reset(token)


class TimedResponse(http.client.HTTPResponse):
    """An answer of which no part, from the status line to the trailers, is read past its deadline.

    Raises:
        TimeoutError: From any read, once the deadline is over.
    """

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach(), _deadline_s.get()))


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: socket.socket, raw: io.RawIOBase, deadline_s: float) -> None:
        self._sock, self._raw, self._deadline_s = sock, raw, deadline_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        left_s, timeout_s = self._deadline_s - time.monotonic(), self._sock.gettimeout()
        if left_s <= 0:
            raise TimeoutError("the deadline is over")
        if timeout_s is None or left_s < timeout_s:
            self._sock.settimeout(None if left_s == math.inf else left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
