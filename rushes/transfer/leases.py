"""The side of a batch: a gate whose slots are leased from a ledger that other processes share."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rushes.transfer.gate import Host, HostGate, local_gate
from rushes.transfer.hosts import LEASE_S, RENEW_S, Share, Shares, Want
from rushes.transfer.patience import MAX_WAIT_S
from rushes.transfer.urls import host_of

__all__ = ["LeasedGate", "gate_of"]

_log = logging.getLogger(__name__)

_GAP_S = 0.005  # so that what many threads need is asked for at once


@contextmanager
def gate_of(shares: Shares | None) -> Iterator[HostGate]:
    """Gives a gate whose slots come from a ledger; without one, the gate that all in this process share."""
    if shares is None:
        yield local_gate()
        return
    gate = LeasedGate(shares)
    try:
        yield gate
    finally:
        gate.close()


class LeasedGate(HostGate):
    """A gate that leases its slots, several at a time, and renews them from a thread of its own.

    While nobody answers, it goes on by its own limit, and says so once; when somebody does, it takes part again.

    Args:
        shares: Where leases come from.
    """

    def __init__(self, shares: Shares) -> None:
        super().__init__()
        self._shares, self._holder = shares, secrets.token_hex(8)
        self._asked: dict[str, float] = {}
        self._heard_s = float("-inf")
        self._again_s = RENEW_S
        self._alone = self._warned = self._closed = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="host-leases", daemon=True)
        self._thread.start()

    def ask(self, url: str, wait_s: float) -> None:
        """Has exchanges with a URL's host wait, here at once and in the other batches about a second later."""
        super().ask(url, wait_s)
        with self._lock:
            self._asked[host_of(url)] = max(min(wait_s, MAX_WAIT_S), self._asked.get(host_of(url), 0.0))
        self._wake.set()

    def close(self) -> None:
        """Gives all slots back; nothing may be under way any more."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def _capacity(self, host: Host) -> int:
        if self._alone:
            return host.limit
        # A process that was stopped for a while does not know who has its slots by now.
        return min(host.granted, host.limit) if time.monotonic() - self._heard_s < LEASE_S else 0

    def _admit(self, host: Host) -> None:
        if host.limit < host.told_limit:  # others do not know yet that the host is to have fewer
            host.granted, host.told_limit = 0, host.limit
            self._wake.set()
        super()._admit(host)

    def _queued(self, host: Host) -> None:
        if min(host.peak, host.limit) > host.told:
            self._wake.set()

    def _left(self, name: str, host: Host) -> None:
        """Keeps the host: its slots are given back with the next renewal, if nobody has taken them until then."""

    def _keep(self) -> None:
        try:
            while not self._closed:
                self._wake.wait(self._again_s)
                self._wake.clear()
                self._renew()
                time.sleep(_GAP_S)
            with self._lock:
                for host in self._hosts.values():
                    host.peak = 0
            self._renew()
        finally:
            self._go_alone()  # a defect here is told by its thread, and must not hold the batch for ever

    def _renew(self) -> None:
        sent_s = time.monotonic()
        with self._lock:
            if sent_s - self._heard_s >= LEASE_S:
                for host in self._hosts.values():
                    host.granted = 0
            wants = {name: _want(host) for name, host in self._hosts.items()}
            asked, self._asked = self._asked, {}
        if not (wants or asked):
            return
        try:
            shares = self._shares.renew(self._holder, wants, asked)
        except ConnectionError as error:
            self._unheard(error, asked)
        else:
            self._heard(shares, wants, sent_s)

    def _heard(self, shares: dict[str, Share], wants: dict[str, Want], sent_s: float) -> None:
        if self._alone:
            _log.info("The ledger of hosts answers again: download.per_host holds over the whole cluster.")
        with self._lock:
            self._alone, self._heard_s = False, sent_s
            self._again_s = min((share.again_s for share in shares.values()), default=RENEW_S)
            for name, share in shares.items():
                host = self._hosts[name]
                host.granted = share.slots if host.limit >= wants[name].limit else 0
                if share.quiet_s:
                    self._patience.ask(name, share.quiet_s)
                if not (host.told or host.limits or host.peak):
                    del self._hosts[name]
                else:
                    self._admit(host)

    def _unheard(self, error: ConnectionError, asked: dict[str, float]) -> None:
        with self._lock:
            self._asked, self._again_s = asked | self._asked, 2 * RENEW_S
        if time.monotonic() - self._heard_s < LEASE_S:
            return
        self._go_alone()
        if not self._warned:
            self._warned = True
            _log.warning(
                "The ledger of hosts does not answer (%s): download.per_host holds for this batch alone until it does.",
                error,
            )

    def _go_alone(self) -> None:
        with self._lock:
            self._alone = True
            for host in self._hosts.values():
                self._admit(host)


def _want(host: Host) -> Want:
    """Returns what to ask for, and begins a new count; what is not used is given back before it is said."""
    host.told, host.told_limit = min(host.peak, host.limit), host.limit
    host.peak = host.used + len(host.waiting)
    if not host.told:
        host.granted = 0
    return Want(host.told, max(host.used, host.granted), host.limit)
