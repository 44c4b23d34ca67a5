"""Slots: how many exchanges with one host are under way at a time, for all in this process who have to do with it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rushes.transfer.patience import MAX_WAIT_S, Patience
from rushes.transfer.urls import host_of

__all__ = ["Host", "HostGate", "local_gate"]


@dataclass(slots=True)
class Host:
    """One host, as its gate sees it.

    Attributes:
        last: The limit of who came last.
        used: Exchanges under way.
        waiting: Who waits for a slot, the longest first.
        limits: How many exchanges at a time are allowed by how many of them all.
        peak: The most that could have been under way since a `LeasedGate` last asked for slots.
        told: How many it asked for then.
        told_limit: Which limit it named then.
        granted: How many it got.
    """

    last: int
    used: int = 0
    waiting: deque[threading.Event] = field(default_factory=deque)
    limits: dict[int, int] = field(default_factory=dict)
    peak: int = 0
    told: int = 0
    told_limit: int = 0
    granted: int = 0

    @property
    def limit(self) -> int:
        """The smallest limit of those who have to do with the host now."""
        return min(self.limits, default=self.last)


class HostGate:
    """Lets exchanges with a host begin in the order that they came, and as many at a time as may be.

    Two that differ in their limit for a host share the smaller one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[str, Host] = {}
        self._patience = Patience()

    @contextmanager
    def slot(self, url: str, limit: int, every_s: float = 0.0) -> Iterator[None]:
        """Waits until an exchange with a URL's host may begin, and holds its place until the block ends.

        Args:
            url: What is asked for.
            limit: How many exchanges with its host may be under way, this one with them.
            every_s: How long it keeps its place at least, in seconds.
        """
        name = host_of(url)
        self._wait(name, limit)
        begun_s = time.monotonic()
        try:
            yield
        finally:
            if every_s:
                time.sleep(max(0.0, begun_s + every_s - time.monotonic()))
            self._leave(name, limit)

    def ask(self, url: str, wait_s: float) -> None:
        """Has exchanges with a URL's host that have not begun wait so many seconds from now, a minute at most."""
        self._patience.ask(host_of(url), wait_s)

    def asked(self, url: str) -> bool:
        """Tells whether a URL's host is to be left alone now."""
        return self._patience.asked(host_of(url))

    def _wait(self, name: str, limit: int) -> None:
        left_s = MAX_WAIT_S
        while True:
            left_s -= self._patience.wait(name, left_s)
            self._enter(name, limit)
            if left_s <= 0 or not self._patience.asked(name):
                return
            self._leave(name, limit)  # the host asked for time while this one waited for its slot

    def _enter(self, name: str, limit: int) -> None:
        with self._lock:
            host = self._hosts.get(name)
            if host is None:
                host = self._hosts[name] = Host(limit)
            host.last = limit
            host.limits[limit] = host.limits.get(limit, 0) + 1
            host.peak = max(host.peak, host.used + len(host.waiting) + 1)
            self._admit(host)
            if not host.waiting and host.used < self._capacity(host):
                host.used += 1
                return
            mine = threading.Event()
            host.waiting.append(mine)
            self._queued(host)
        try:
            mine.wait()
        except BaseException:  # Ctrl-C, in the main thread
            self._leave(name, limit, mine)
            raise

    def _leave(self, name: str, limit: int, mine: threading.Event | None = None) -> None:
        with self._lock:
            host = self._hosts[name]
            host.limits[limit] -= 1
            if not host.limits[limit]:
                del host.limits[limit]
            if mine is not None and mine in host.waiting:
                host.waiting.remove(mine)
            else:
                host.used -= 1
            self._admit(host)
            self._left(name, host)

    def _admit(self, host: Host) -> None:
        while host.waiting and host.used < self._capacity(host):
            host.used += 1
            host.waiting.popleft().set()

    def _capacity(self, host: Host) -> int:
        """Returns how many exchanges with a host may be under way; called with the lock held, like the next two."""
        return host.limit

    def _queued(self, host: Host) -> None:
        """Notes that one more waits for a slot."""

    def _left(self, name: str, host: Host) -> None:
        """Notes that one has gone."""
        if not host.limits:
            del self._hosts[name]


_LOCAL = HostGate()


def local_gate() -> HostGate:
    """Returns the gate that all in this process share who have no ledger to share with others."""
    return _LOCAL
