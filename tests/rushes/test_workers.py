"""Items are worked on several at a time, each once, and none after a failure."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextvars import ContextVar

import pytest

from rushes import workers
from rushes.workers import each


def test_every_item_is_worked_on_once() -> None:
    seen: Counter[int] = Counter()
    lock = threading.Lock()

    def work(item: int) -> None:
        with lock:
            seen[item] += 1

    each(range(500), work, 8)
    assert seen == Counter(range(500))


def test_so_many_are_worked_on_at_a_time() -> None:
    together = threading.Barrier(4)
    each(range(4), lambda _: together.wait(10), 4)


def test_a_failure_is_raised_and_nothing_is_begun_after_it() -> None:
    begun: list[int] = []
    failed = threading.Event()

    def work(item: int) -> None:
        begun.append(item)
        if item == 0:
            failed.set()
            raise KeyError("broken")
        assert failed.wait(10)

    with pytest.raises(KeyError, match="broken"):
        each(range(1000), work, 2)
    assert len(begun) < 1000


@pytest.mark.parametrize(("busy", "expected"), [(0.0, 2), (1e9, 16)])
def test_there_are_more_threads_only_where_the_first_ones_leave_the_processor_idle(
    monkeypatch: pytest.MonkeyPatch, busy: float, expected: int
) -> None:
    monkeypatch.setattr(workers, "_BUSY", busy)
    seen: set[int] = set()

    def work(_: int) -> None:
        seen.add(threading.get_ident())
        time.sleep(0.01)

    workers.each(range(400 if expected > 2 else 40), work, 16)
    assert len(seen) == expected


def test_nothing_to_do_is_done_at_once() -> None:
    each([], lambda _: None, 4)


def test_threads_see_the_context_of_who_called() -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")
    who.set("the caller")
    seen: set[str] = set()
    each(range(100), lambda _: seen.add(who.get()), 4)
    assert seen == {"the caller"}
