"""The ledger of hosts: what is granted fits the limit, whatever holders ask for, forget or die of; nobody starves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from rushes.files.hosts import LEASE_S, TURN_S, HostShares, Share, Want


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shares(clock: Clock) -> HostShares:
    return HostShares(clock)


def ask(shares: HostShares, holder: str, slots: int, held: int = 0, limit: int = 8, host: str = "h") -> int:
    return shares.renew(holder, {host: Want(slots, held, limit)}, {})[host].slots


def test_one_alone_gets_what_it_can_use(shares: HostShares) -> None:
    assert ask(shares, "a", 3) == 3
    assert ask(shares, "a", 16, 3) == 8
    assert ask(shares, "a", 1, 8) == 1
    assert shares.leases() == [("h", "a", 8)]
    assert ask(shares, "a", 1, 1) == 1
    assert shares.leases() == [("h", "a", 1)]


def test_what_one_holds_is_dealt_anew_when_it_has_been_given_back(shares: HostShares) -> None:
    assert ask(shares, "a", 16) == 8
    assert ask(shares, "b", 16) == 0
    assert ask(shares, "a", 16, 8) == 4  # it hears of it here, and what is under way goes on
    assert ask(shares, "b", 16) == 0
    assert ask(shares, "a", 16, 5) == 4
    assert ask(shares, "b", 16) == 3
    assert ask(shares, "a", 16, 4) == 4
    assert ask(shares, "b", 16, 3) == 4


def test_what_one_cannot_use_the_others_get(shares: HostShares) -> None:
    assert ask(shares, "a", 1) == 1
    assert ask(shares, "b", 16) == 7


def test_the_smallest_limit_counts_while_its_holder_is_there(shares: HostShares, clock: Clock) -> None:
    assert ask(shares, "a", 16, limit=8) == 8
    assert ask(shares, "b", 16, limit=2) == 0
    assert ask(shares, "a", 16, 8, limit=8) == 1
    assert ask(shares, "a", 16, 1, limit=8) == 1
    assert ask(shares, "b", 16, limit=2) == 1
    clock.now_s += LEASE_S / 2
    assert ask(shares, "a", 16, 1, limit=8) == 1
    clock.now_s += LEASE_S / 2  # b says nothing any more
    assert ask(shares, "a", 16, 1, limit=8) == 8


def test_hosts_have_nothing_to_do_with_each_other(shares: HostShares) -> None:
    assert ask(shares, "a", 8, host="h") == 8
    assert ask(shares, "b", 8, host="i") == 8


def test_who_says_nothing_loses_its_slots_and_who_comes_back_gets_new_ones(shares: HostShares, clock: Clock) -> None:
    assert ask(shares, "dead", 8) == 8
    assert ask(shares, "b", 8) == 0
    clock.now_s += LEASE_S - 0.1
    assert ask(shares, "b", 8) == 0
    clock.now_s += 0.1
    assert ask(shares, "b", 8) == 8
    assert ask(shares, "dead", 8, 2) == 0


def test_what_nobody_asks_for_any_more_is_forgotten(shares: HostShares, clock: Clock) -> None:
    for number in range(100):
        shares.renew("a", {f"h{number}": Want(1, 0, 8)}, {f"h{number}": 1.0})
    clock.now_s += LEASE_S
    assert ask(shares, "b", 1) == 1
    assert shares.leases() == [("h", "b", 1)]
    assert len(shares._hosts) == 1
    assert not shares._quiet_until_s


def test_one_slot_goes_round(shares: HostShares, clock: Clock) -> None:
    """Each of three keeps its slot for its turn, and the next one is who has waited longest."""
    held = dict.fromkeys("abc", 0)
    served = []
    for _ in range(int(6 * TURN_S)):
        for name in held:
            held[name] = ask(shares, name, 1, held[name], limit=1)
        served += [name for name, slots in held.items() if slots]
        clock.now_s += 1
    turns = [name for name, before in zip(served, ["", *served], strict=False) if name != before]
    assert turns[:5] == ["a", "b", "c", "a", "b"]
    assert len(served) >= 5 * TURN_S


def test_all_hear_of_what_a_host_told_one(shares: HostShares, clock: Clock) -> None:
    shares.renew("a", {}, {"h": 30.0})
    clock.now_s += 10
    assert shares.renew("b", {"h": Want(1, 0, 8), "i": Want(1, 0, 8)}, {}) == {"h": Share(1, 20.0), "i": Share(1)}
    shares.renew("c", {}, {"h": 5.0})
    assert shares.renew("b", {"h": Want(1, 1, 8)}, {})["h"].quiet_s == 20
    clock.now_s += 20
    assert shares.renew("b", {"h": Want(1, 1, 8)}, {})["h"].quiet_s == 0


class Holders(RuleBasedStateMachine):
    """Holders that do what a `LeasedGate` does: begin within what they were granted, end, renew, go, or die."""

    holders = Bundle("holders")

    @initialize(limit=st.integers(1, 6))
    def begin(self, limit: int) -> None:
        self.clock, self.limit = Clock(), limit
        self.shares = HostShares(self.clock)
        self.granted: dict[int, int] = {}
        self.used: dict[int, int] = {}
        self.heard_s: dict[int, float] = {}

    @rule(target=holders)
    def join(self) -> int:
        name = len(self.heard_s)
        self.granted[name], self.used[name], self.heard_s[name] = 0, 0, float("-inf")
        return name

    @rule(name=holders, more=st.integers(1, 6))
    def use(self, name: int, more: int) -> None:
        if self.clock.now_s - self.heard_s[name] < LEASE_S:
            self.used[name] = max(self.used[name], min(self.used[name] + more, self.granted[name]))

    @rule(name=holders, fewer=st.integers(1, 6))
    def end(self, name: int, fewer: int) -> None:
        self.used[name] = max(0, self.used[name] - fewer)

    @rule(name=holders, slots=st.integers(0, 9))
    def renew(self, name: int, slots: int) -> None:
        if self.clock.now_s - self.heard_s[name] >= LEASE_S or not slots:
            self.granted[name] = 0
        held = max(self.used[name], self.granted[name])
        before = sum(lease for _, _, lease in self.shares.leases())
        share = self.shares.renew(str(name), {"h": Want(slots, held, self.limit)}, {})["h"]
        self.granted[name], self.heard_s[name] = share.slots, self.clock.now_s
        assert share.slots <= min(slots, self.limit)
        assert sum(lease for _, _, lease in self.shares.leases()) <= max(self.limit, before + held)

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self.clock.now_s += seconds

    @rule(name=consumes(holders))
    def die(self, name: int) -> None:
        """Ends with all that it has under way, and says nothing."""
        self.used[name] = self.granted[name] = 0

    @rule(name=holders, seconds=st.floats(LEASE_S, 2 * LEASE_S))
    def freeze(self, name: int, seconds: float) -> None:
        """All others go on without this one; what it has under way ends before it wakes up."""
        self.used[name] = 0
        self.clock.now_s += seconds

    @rule()
    def everybody_is_served(self) -> None:
        """Whoever can use a slot gets one within a turn of each of the others, if transfers come to an end."""
        alive = [name for name in self.heard_s if self.clock.now_s - self.heard_s[name] < LEASE_S]
        waiting = set(alive)
        for _ in range(int((TURN_S + 3) * (len(alive) + 1))):
            for name in alive:
                self.used[name] = 0
                self.renew(name, 2)
            waiting -= {name for name in alive if self.granted[name]}
            self.clock.now_s += 1
        assert not waiting

    @invariant()
    def no_more_than_allowed(self) -> None:
        assert sum(self.used.values()) <= self.limit, self.used
        fresh = {name for name, heard_s in self.heard_s.items() if self.clock.now_s - heard_s < LEASE_S}
        assert sum(self.granted[name] for name in fresh if self.used[name] <= self.granted[name]) <= self.limit
        leases: dict[Any, int] = {name: lease for _, name, lease in self.shares.leases()}
        assert all(leases.get(str(name), 0) >= self.used[name] for name in fresh)


TestHolders = Holders.TestCase
TestHolders.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
