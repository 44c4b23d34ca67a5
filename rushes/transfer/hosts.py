"""Which batch may have how many exchanges with which host: one ledger for a whole cluster, kept by leases.

A batch leases several slots of a host at a time and renews about once a second: a call for each file would cost more
than a small file does. A lease that is not renewed ends by itself, so nobody has to notice that a worker died.

Nothing here knows where the ledger lives; see `rushes.transfer.leases` for the side of a batch.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

__all__ = ["LEASE_S", "RENEW_S", "TURN_S", "HostShares", "Share", "Shares", "Want"]

LEASE_S = 5.0
"""How long a lease lasts that is not renewed, in seconds."""

RENEW_S = 0.5
"""How often a lease is renewed when nothing else is to be said, in seconds."""

TURN_S = 5.0
"""Where slots cannot be dealt evenly: after how long who has one more lines up again behind the others, in seconds."""

_SOON_S = 0.1  # while slots are on their way from one holder to another, or one has none
_EACH_S = 0.002  # so that many holders of one host ask 500 times a second together


class Want(NamedTuple):
    """What a holder asks of one host.

    Attributes:
        slots: How many it could use; with 0 it gives all back.
        held: How many exchanges it may have under way until it hears the answer.
        limit: How many it would have the host serve at a time, all holders together.
    """

    slots: int
    held: int
    limit: int


class Share(NamedTuple):
    """What a holder may do with one host.

    Attributes:
        slots: How many exchanges may be under way; while there are more, none begins.
        quiet_s: For how long the host asked to be left alone.
        again_s: When to ask again, in seconds from now.
    """

    slots: int
    quiet_s: float = 0.0
    again_s: float = RENEW_S


class Shares(Protocol):
    """Where leases come from: a `HostShares`, or what stands for one in another process."""

    def renew(self, holder: str, wants: Mapping[str, Want], asked: Mapping[str, float]) -> dict[str, Share]:
        """Does what `HostShares.renew` does.

        Raises:
            ConnectionError: Nobody answers.
        """
        ...


@dataclass(slots=True)
class _Lease:
    want: Want
    slots: int
    until_s: float
    ticket: int
    since_s: float | None = None


class HostShares:
    """The ledger: who holds how many slots of which host until when, and until when each host is to be left alone.

    What is granted never lifts the sum of a host's leases above its limit, which is the smallest that its holders ask
    for. Slots are dealt evenly among those who can use them. Where there are fewer slots than holders, or some are left
    over, they go round: whoever waits is served before all who came later or had their turn.

    Args:
        clock: Tells the time in seconds; need not be anybody else's.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets = itertools.count()
        self._hosts: dict[str, dict[str, _Lease]] = {}
        self._quiet_until_s: dict[str, float] = {}
        self._swept_s = clock()

    def renew(self, holder: str, wants: Mapping[str, Want], asked: Mapping[str, float]) -> dict[str, Share]:
        """Renews, widens, narrows and ends a holder's leases.

        Args:
            holder: Who asks; no other has this name.
            wants: What it asks of each host that it has to do with.
            asked: Hosts that told it to leave them alone, and for how many seconds.

        Returns:
            What it may do with each host that it asked for.
        """
        with self._lock:
            now_s = self._clock()
            self._sweep(now_s)
            for host, wait_s in asked.items():
                self._quiet_until_s[host] = max(now_s + wait_s, self._quiet_until_s.get(host, now_s))
            return {host: self._share(holder, host, want, now_s) for host, want in wants.items()}

    def leases(self) -> list[tuple[str, str, int]]:
        """Returns host, holder and slots of each lease."""
        with self._lock:
            self._sweep(self._clock(), most_s=0)
            return [(host, name, one.slots) for host, all_ in self._hosts.items() for name, one in all_.items()]

    def _share(self, holder: str, host: str, want: Want, now_s: float) -> Share:
        leases = self._hosts.setdefault(host, {})
        for name in [name for name, lease in leases.items() if lease.until_s <= now_s]:
            del leases[name]
        quiet_s = max(0.0, self._quiet_until_s.get(host, now_s) - now_s)
        if not want.slots and not want.held:
            leases.pop(holder, None)
            if not leases:
                del self._hosts[host]
            return Share(0, quiet_s)
        granted, settled = self._lease(leases, holder, want, now_s)
        return Share(granted, quiet_s, _again_s(settled, len(leases)))

    def _lease(self, leases: dict[str, _Lease], holder: str, want: Want, now_s: float) -> tuple[int, bool]:
        mine = leases.get(holder) or _Lease(want, 0, 0.0, next(self._tickets))
        leases[holder] = mine
        mine.want, mine.until_s = want, now_s + LEASE_S
        if mine.since_s is not None and now_s - mine.since_s >= TURN_S:
            mine.ticket, mine.since_s = next(self._tickets), now_s
        limit = min(lease.want.limit for lease in leases.values())
        others = sum(lease.slots for name, lease in leases.items() if name != holder)
        dealt = _dealt(leases, limit)
        granted = max(0, min(dealt[holder], limit - others))
        # What it holds counts until it has heard that it may not, and until what is under way is over.
        mine.slots = max(granted, want.held)
        if not granted:
            mine.since_s = None
        elif mine.since_s is None:
            mine.since_s = now_s
        return granted, granted > 0 and all(lease.slots == dealt[name] for name, lease in leases.items())

    def _sweep(self, now_s: float, most_s: float = LEASE_S) -> None:
        """Drops what nobody asks for any more, now and then."""
        if now_s - self._swept_s < most_s:
            return
        self._swept_s = now_s
        for host, leases in list(self._hosts.items()):
            alive = {name: lease for name, lease in leases.items() if lease.until_s > now_s}
            if alive:
                self._hosts[host] = alive
            else:
                del self._hosts[host]
        self._quiet_until_s = {host: until_s for host, until_s in self._quiet_until_s.items() if until_s > now_s}


def _again_s(settled: bool, holders: int) -> float:
    return min(2 * RENEW_S, max(RENEW_S if settled else _SOON_S, _EACH_S * holders))


def _dealt(leases: Mapping[str, _Lease], limit: int) -> dict[str, int]:
    """Deals a host's slots, one to each who can use one more, until none is left: first to who has waited longest."""
    dealt = dict.fromkeys(sorted(leases, key=lambda name: leases[name].ticket), 0)
    left = limit
    while left and (hungry := [name for name, slots in dealt.items() if slots < leases[name].want.slots][:left]):
        for name in hungry:
            dealt[name] += 1
        left -= len(hungry)
    return dealt
