"""The gate: no more exchanges with a host than may be, whoever asks; and what becomes of it when its ledger is gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from rushes.config import DownloadConfig
from rushes.transfer import patience
from rushes.transfer.gate import HostGate, local_gate
from rushes.transfer.guard import guarded_session
from rushes.transfer.hosts import LEASE_S, HostShares, Share, Want
from rushes.transfer.leases import LeasedGate, gate_of
from rushes.transfer.request import opened
from tests import http_server as web
from tests.http_server import Meter, serve

URL = "http://h.example/a"


def config(**settings: Any) -> DownloadConfig:
    return DownloadConfig.model_validate({"allow_private_hosts": ("127.0.0.1", "localhost"), **settings})


def fetch(urls: list[str], gate: HostGate, **settings: Any) -> None:
    """Fetches as a batch does: so many at a time, through one session."""
    own = config(**settings)
    with guarded_session(own, gate) as session, ThreadPoolExecutor(own.concurrency) as pool:

        def one(url: str) -> None:
            with opened(url, session, own, {}) as transfer:
                list(transfer.chunks())

        list(pool.map(one, urls))


def together(*jobs: Callable[[], None]) -> None:
    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(job) for job in jobs]:
            future.result()


@contextmanager
def waited(gate: HostGate, limit: int) -> Iterator[float]:
    """Gives how long it took to get a slot, in seconds."""
    start_s = time.monotonic()
    with gate.slot(URL, limit):
        yield time.monotonic() - start_s


@contextmanager
def batches(count: int, shares: HostShares | None) -> Iterator[list[HostGate]]:
    with ExitStack() as stack:
        yield [stack.enter_context(gate_of(shares)) for _ in range(count)]


@pytest.mark.parametrize("leased", [False, True], ids=["one process", "leases"])
def test_no_more_exchanges_are_under_way_than_the_host_may_have(leased: bool) -> None:
    meter = Meter()
    shares = HostShares() if leased else None
    with serve({"/a": meter.before(web.ok(b"x"), 0.02)}) as server, batches(3, shares) as gates:
        urls = [server.url("/a")] * 60
        together(*(lambda gate=gate: fetch(urls, gate, per_host=3) for gate in gates))
        assert len(server.requests) == 180
        assert meter.most == 3


def test_batches_of_other_limits_share_the_smaller_one_while_both_are_at_work() -> None:
    meter, gate = Meter(), HostGate()
    with serve({"/a": meter.before(web.ok(b"x"), 0.02)}) as server:
        urls = [server.url("/a")] * 40
        together(lambda: fetch(urls, gate, per_host=2), lambda: fetch(urls[:20], gate, per_host=8))
        assert meter.most == 2
        fetch(urls, gate, per_host=8)
        assert 2 < meter.most <= 8


def test_hosts_do_not_wait_for_each_other() -> None:
    meter, other = Meter(), Meter()
    routes = {"/a": meter.before(web.ok(b"x"), 0.3)}
    with serve(routes) as server, serve({"/a": other.before(web.ok(b"x"), 0.3)}) as second:
        start_s = time.monotonic()
        fetch([server.url("/a"), second.url("/a"), server.url("/a", "localhost")] * 2, HostGate(), per_host=2)
        assert time.monotonic() - start_s < 1.5  # one after the other they would take 1.8
    assert (meter.most, other.most) == (4, 2)


def test_who_came_first_is_served_first() -> None:
    gate, order = HostGate(), []

    def one(number: int) -> None:
        with gate.slot(URL, 1):
            order.append(number)

    with gate.slot(URL, 1):
        threads = []
        for number in range(20):
            threads.append(threading.Thread(target=one, args=(number,)))
            threads[-1].start()
            while len(gate._hosts["h.example"].waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(20))
    assert not gate._hosts


def test_waiting_takes_nothing_of_the_time_for_the_transfer() -> None:
    meter = Meter()
    with serve({"/a": meter.before(web.ok(b"x"), 0.15)}) as server:
        fetch([server.url("/a")] * 5, HostGate(), per_host=1, timeout_s={"total": 0.5, "read": 0.5, "connect": 0.5})
        assert (len(server.requests), meter.most) == (5, 1)


def test_what_breaks_gives_its_slot_back() -> None:
    gate = HostGate()
    for _ in range(3):
        with pytest.raises(RuntimeError), gate.slot(URL, 1):
            raise RuntimeError
    with waited(gate, 1) as waited_s:
        assert waited_s < 0.1


@pytest.mark.parametrize("admitted", [False, True], ids=["while it waits", "when it is let in"])
def test_who_is_interrupted_leaves_no_gap(monkeypatch: pytest.MonkeyPatch, admitted: bool) -> None:
    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if admitted:
                leave.set()
                super().wait(timeout)
            raise KeyboardInterrupt

    gate, entered, leave = HostGate(), threading.Event(), threading.Event()

    def hold() -> None:
        with gate.slot(URL, 1):
            entered.set()
            leave.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(5)
    with monkeypatch.context() as patch:
        patch.setattr(threading, "Event", Interrupted)
        with pytest.raises(KeyboardInterrupt), gate.slot(URL, 1):
            pass
    leave.set()
    holder.join()
    assert not gate._hosts


def test_the_library_has_one_gate_in_one_process() -> None:
    with gate_of(None) as first, guarded_session(config()) as session:
        assert first is local_gate() is session.gate


def test_a_host_that_asked_for_time_while_one_waited_for_its_slot_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "JITTER_S", 0.0)
    gate = HostGate()

    def told() -> None:
        with gate.slot(URL, 1):
            time.sleep(0.1)
            gate.ask(URL, 0.3)

    teller = threading.Thread(target=told)
    teller.start()
    while not gate._hosts:
        time.sleep(0.001)
    with waited(gate, 1) as waited_s:
        assert waited_s >= 0.35
    teller.join()


def test_batches_share_what_one_of_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "JITTER_S", 0.0)
    with batches(2, HostShares()) as (told, other):
        with other.slot(URL, 8):
            pass
        told.ask(URL, 3)
        deadline_s = time.monotonic() + 2
        while not other.asked(URL) and time.monotonic() < deadline_s:
            with other.slot("http://another.example/", 8):
                time.sleep(0.01)
        # It has nothing to do with the host any more, and hears of it when it wants to have.
        with waited(other, 8) as waited_s:
            assert 0.5 < waited_s < 3.5


def test_a_batch_that_ends_gives_its_slots_back_at_once() -> None:
    shares = HostShares()
    with gate_of(shares) as gate, gate.slot(URL, 2):
        assert [lease[2] for lease in shares.leases()] == [1]
    assert shares.leases() == []


def test_a_slot_that_is_not_used_any_more_goes_to_who_waits() -> None:
    shares = HostShares()
    with batches(2, shares) as (first, second):
        with ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(first.slot(URL, 2))
        start_s = time.monotonic()
        with second.slot(URL, 2), second.slot(URL, 2):
            assert time.monotonic() - start_s < 2.5
        assert first is not second


class Unsteady(HostShares):
    """A ledger that can be out of reach."""

    reachable = True

    def renew(self, holder: str, wants: Mapping[str, Want], asked: Mapping[str, float]) -> dict[str, Share]:
        if not self.reachable:
            raise ConnectionError("no answer")
        return super().renew(holder, wants, asked)


def test_without_its_ledger_a_batch_goes_on_by_its_own_limit_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rushes.transfer.leases")
    meter, shares = Meter(), Unsteady()
    shares.reachable = False
    with serve({"/a": meter.before(web.ok(b"x"), 0.02)}) as server, gate_of(shares) as gate:
        fetch([server.url("/a")] * 120, gate, per_host=2)
        assert meter.most == 2
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "holds for this batch alone" in caplog.text
        shares.reachable = True
        meter.most = 0
        with gate_of(shares) as other:
            urls = [server.url("/a")] * 150
            time.sleep(1.2)
            together(lambda: fetch(urls, gate, per_host=2), lambda: fetch(urls, other, per_host=2))
        assert meter.most == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_a_ledger_that_is_away_for_a_moment_is_not_missed(caplog: pytest.LogCaptureFixture) -> None:
    shares = Unsteady()
    with gate_of(shares) as gate, gate.slot(URL, 2):
        shares.reachable = False
        gate.ask("http://another.example/", 30)
        time.sleep(0.1)
        shares.reachable = True
        deadline_s = time.monotonic() + 3
        while not shares._quiet_until_s and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert list(shares._quiet_until_s) == ["another.example"]
    assert caplog.text == ""


def test_after_a_standstill_nothing_begins_before_the_ledger_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = HostShares()
    gate = LeasedGate(shares)
    with gate.slot(URL, 1):
        pass
    held = threading.Event()
    monkeypatch.setattr(gate, "_renew", held.wait)  # the thread that renews does not come to it
    with gate._lock:
        assert gate._hosts["h.example"].granted == 1
        gate._heard_s -= LEASE_S
    entered = threading.Event()

    def one() -> None:
        with gate.slot(URL, 1):
            entered.set()

    late = threading.Thread(target=one, daemon=True)
    late.start()
    assert not entered.wait(0.3)
    monkeypatch.undo()
    held.set()
    assert entered.wait(3)
    late.join()
    gate.close()


@pytest.mark.filterwarnings("ignore:Exception in thread:pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_of_the_ledger_does_not_hold_a_batch_for_ever() -> None:
    class Broken(HostShares):
        def renew(self, *_: Any) -> dict[str, Share]:
            raise KeyError("a defect")

    with gate_of(Broken()) as gate, waited(gate, 2) as waited_s:
        assert waited_s < 3


def test_after_a_standstill_a_batch_does_not_claim_what_it_had_before(monkeypatch: pytest.MonkeyPatch) -> None:
    shares, held = HostShares(), threading.Event()
    with gate_of(shares) as other, gate_of(shares) as stopped, ExitStack() as stack:
        with stopped.slot(URL, 2), stopped.slot(URL, 2):
            pass
        assert isinstance(stopped, LeasedGate)
        renew = stopped._renew
        stack.callback(held.set)
        stack.callback(monkeypatch.undo)
        monkeypatch.setattr(stopped, "_renew", held.wait)
        stopped._wake.set()
        with stopped._lock:
            stopped._heard_s -= LEASE_S
        shares._hosts.clear()  # its leases have ended
        with other.slot(URL, 2), other.slot(URL, 2):
            renew()
            assert sum(slots for _, _, slots in shares.leases()) == 2
