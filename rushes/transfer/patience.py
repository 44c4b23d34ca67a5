"""Hosts that asked for time with Retry-After: all who have to do with one hear of it, not only who was told."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterable

import stamina

from rushes.errors import HTTPStatusError, RushesError

__all__ = ["JITTER_S", "MAX_WAIT_S", "Patience", "retries"]

_log = logging.getLogger(__name__)
# Retries are logged here, in words; without a handler of its own stamina's lines would reach standard error.
logging.getLogger("stamina").addHandler(logging.NullHandler())

MAX_WAIT_S = 60.0
"""A host that asks for more patience than this is asked again after it all the same."""

JITTER_S = 1.0
"""Over how long those who waited for the same moment spread out."""


class Patience:
    """Until when each host is to be left alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until_s: dict[str, float] = {}

    def ask(self, host: str, wait_s: float) -> None:
        """Has requests to a host wait so many seconds from now, and no fewer than asked before."""
        now_s = time.monotonic()
        with self._lock:
            self._until_s = {name: until_s for name, until_s in self._until_s.items() if until_s > now_s}
            self._until_s[host] = max(now_s + min(wait_s, MAX_WAIT_S), self._until_s.get(host, 0.0))

    def wait(self, host: str, most_s: float = MAX_WAIT_S) -> float:
        """Waits as long as a host asked for, `most_s` at most, and returns how long that was, in seconds."""
        start_s = time.monotonic()
        if not self.asked(host):
            return 0.0
        while (left_s := self._left_s(host, start_s + most_s)) > 0:  # others may be told to wait longer meanwhile
            time.sleep(left_s)
        time.sleep(_jitter_s())
        return time.monotonic() - start_s

    def asked(self, host: str) -> bool:
        """Tells whether a host is to be left alone now."""
        return host in self._until_s and self._left_s(host, float("inf")) > 0

    def _left_s(self, host: str, end_s: float) -> float:
        with self._lock:
            until_s = self._until_s.get(host, 0.0)
        return min(until_s, end_s) - time.monotonic()


def retries(attempts: int) -> Iterable[stamina.Attempt]:
    """Returns contexts to try in: after a failure that may pass, again, with growing pauses or as the host asks."""
    return stamina.retry_context(_again, attempts=attempts, timeout=None, wait_initial=0.5, wait_max=MAX_WAIT_S)


def _again(error: Exception) -> bool | float:
    """Decides for stamina: not again, again after the usual pause, or after so many seconds."""
    if not isinstance(error, RushesError) or not error.transient:
        return False
    _log.info("A failure that may pass: %s", error)
    if isinstance(error, HTTPStatusError) and error.retry_after_s:
        return min(error.retry_after_s, MAX_WAIT_S) + _jitter_s()
    return True


def _jitter_s() -> float:
    """Returns how long to wait on top of what was asked for, in seconds."""
    return random.uniform(0, JITTER_S)  # noqa: S311 - spreads requests, and keeps no secret
