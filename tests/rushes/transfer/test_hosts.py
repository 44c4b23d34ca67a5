"""The ledger of hosts: what is granted fits the limit, whatever holders ask for, forget or die of; nobody starves."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from rushes.transfer.hosts import LEASE_S, RENEW_S, TURN_S, HostShares, Share, Want


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


def test_the_more_holders_there_are_the_more_seldom_each_of_them_asks(shares: HostShares) -> None:
    def again_s(holder: int) -> float:
        return shares.renew(str(holder), {"h": Want(1, 0, 8)}, {})["h"].again_s

    found = [again_s(number) for number in range(600)]
    assert found[0] == RENEW_S  # it has what it wants, and nobody else is there
    assert found[8] == 0.1  # it waits
    assert found[99] == pytest.approx(0.2)
    assert found[-1] == 1.0 < LEASE_S / 2
    assert found[8:] == sorted(found[8:])


class Holders(RuleBasedStateMachine):
    """Holders that do what a `LeasedGate` does: begin within what they were granted, end, renew in time, go, or die."""

    holders = Bundle("holders")

    @initialize(limit=st.integers(1, 6))
    def begin(self, limit: int) -> None:
        self.clock, self.limit = Clock(), limit
        self.shares = HostShares(self.clock)
        self.wanted: dict[int, int] = {}
        self.granted: dict[int, int] = {}
        self.used: dict[int, int] = {}
        self.heard_s: dict[int, float] = {}

    @rule(target=holders, slots=st.integers(1, 9))
    def join(self, slots: int) -> int:
        name = len(self.heard_s)
        self.wanted[name], self.granted[name], self.used[name] = slots, 0, 0
        self.heard_s[name] = float("-inf")
        self._renew(name)
        return name

    @rule(name=holders, more=st.integers(1, 6))
    def use(self, name: int, more: int) -> None:
        if self._fresh(name):
            self.used[name] = max(self.used[name], min(self.used[name] + more, self.granted[name]))

    @rule(name=holders, fewer=st.integers(1, 6))
    def end(self, name: int, fewer: int) -> None:
        self.used[name] = max(0, self.used[name] - fewer)

    @rule(name=holders, slots=st.integers(0, 9))
    def renew(self, name: int, slots: int) -> None:
        self.wanted[name] = slots
        self._renew(name)

    @rule(seconds=st.floats(0, 2))
    def wait(self, seconds: float) -> None:
        self._pass(seconds, list(self.wanted))

    @rule(name=consumes(holders))
    def die(self, name: int) -> None:
        """Ends with all that it has under way, and says nothing."""
        self.used[name] = 0
        del self.wanted[name]

    @rule(name=holders, seconds=st.floats(0, 2 * LEASE_S))
    def freeze(self, name: int, seconds: float) -> None:
        """Others go on without this one; what it has under way ends before it wakes up."""
        self.used[name] = 0
        self._pass(seconds, [other for other in self.wanted if other != name])

    @rule()
    def everybody_is_served(self) -> None:
        """Whoever can use a slot gets one within a turn of each of the others, if transfers come to an end."""
        waiting = {name for name, slots in self.wanted.items() if slots}
        for _ in range(int((TURN_S + 3) * (len(self.wanted) + 1) + LEASE_S)):
            self.used = dict.fromkeys(self.used, 0)
            self._pass(1, list(self.wanted))
            waiting -= {name for name in waiting if self.granted[name]}
        assert not waiting

    @invariant()
    def no_more_than_allowed(self) -> None:
        assert sum(self.used.values()) <= self.limit
        leases = {name: slots for _, name, slots in self.shares.leases()}
        may = {name: max(self.used[name], self.granted[name]) for name in self.wanted if self._fresh(name)}
        assert all(leases.get(str(name), 0) >= slots for name, slots in may.items())
        assert sum(leases.values()) <= self.limit

    def _fresh(self, name: int) -> bool:
        return self.clock.now_s - self.heard_s[name] < LEASE_S

    def _pass(self, seconds: float, awake: list[int]) -> None:
        end_s = self.clock.now_s + seconds
        while self.clock.now_s < end_s:
            self.clock.now_s = min(end_s, self.clock.now_s + 1)
            for name in awake:
                self._renew(name)

    def _renew(self, name: int) -> None:
        if not self._fresh(name) or not self.wanted[name]:
            self.granted[name] = 0
        want = Want(self.wanted[name], max(self.used[name], self.granted[name]), self.limit)
        share = self.shares.renew(str(name), {"h": want}, {})["h"]
        self.granted[name], self.heard_s[name] = share.slots, self.clock.now_s
        assert share.slots <= min(self.wanted[name], self.limit)


TestHolders = Holders.TestCase
TestHolders.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
