"""Hosts that asked for time with Retry-After: every thread of a session hears of it, not only the one that was told."""

from __future__ import annotations

import random
import threading
import time
from urllib.parse import urlsplit

__all__ = ["JITTER_S", "MAX_WAIT_S", "Patience", "jitter_s"]

MAX_WAIT_S = 60.0
"""A host that asks for more patience than this is asked again after it all the same."""

JITTER_S = 1.0
"""Over how long those who waited for the same moment spread out."""


class Patience:
    """Until when each host, with its port, is to be left alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_s: dict[str, float] = {}

    def ask(self, url: str, wait_s: float) -> None:
        """Has requests to a URL's host wait so many seconds from now, and no fewer than asked before."""
        until_s = time.monotonic() + min(wait_s, MAX_WAIT_S)
        with self._lock:
            self._until_s[_host(url)] = max(until_s, self._until_s.get(_host(url), 0.0))

    def wait(self, url: str) -> float:
        """Waits as long as a URL's host asked for, `MAX_WAIT_S` at most, and returns how long that was, in seconds."""
        start_s = time.monotonic()
        if not self.asked(url):
            return 0.0
        while (left_s := self._left_s(url, start_s)) > 0:  # others may be told to wait longer meanwhile
            time.sleep(left_s)
        time.sleep(jitter_s())
        return time.monotonic() - start_s

    def asked(self, url: str) -> bool:
        """Tells whether a URL's host is to be left alone now."""
        return self._left_s(url, time.monotonic()) > 0

    def _left_s(self, url: str, start_s: float) -> float:
        with self._lock:
            until_s = self._until_s.get(_host(url), 0.0)
        return min(until_s, start_s + MAX_WAIT_S) - time.monotonic()


def jitter_s() -> float:
    """Returns how long to wait on top of what was asked for, in seconds."""
    return random.uniform(0, JITTER_S)  # noqa: S311 - spreads requests, and keeps no secret


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:  # the request says so
        return ""
