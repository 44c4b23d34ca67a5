"""Work on many items at a time, in as many threads as their waiting is worth."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from contextvars import copy_context
from typing import TypeVar

__all__ = ["each"]

_FIRST_THREADS = 2
_TICK_S = 0.02
_BUSY = 0.85

T = TypeVar("T")


def each(items: Sequence[T], work: Callable[[T], object], threads: int) -> None:
    """Works on all items, several at a time; where one fails, or the caller is interrupted, no other one is begun.

    Threads take items and settle them by themselves. To hand every result to the caller instead would have two threads
    wake for each item, which costs more than a small file does. So does a crowd of threads that all want the
    interpreter: there are two at first, and their number doubles for as long as they leave it idle, which takes a tenth
    of a second where a server is far away, and never happens where it is so near that the processor is the limit.

    Each thread sees the caller's context variables: whoever logs there does so with the settings of the caller.

    Args:
        items: What there is to work on.
        work: Called with each, from any thread.
        threads: How many at a time, at most.
    """
    left, stop = iter(items), threading.Event()
    busy_s: dict[int, float] = {}

    def through() -> None:
        begun_s, me = time.thread_time(), threading.get_ident()
        try:
            for item in left:
                if stop.is_set():
                    return
                work(item)
                busy_s[me] = time.thread_time() - begun_s
        except BaseException:
            stop.set()
            raise

    def begun() -> Future[None]:
        return pool.submit(copy_context().run, through)

    most = min(threads, len(items))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        loops = [begun() for _ in range(min(most, _FIRST_THREADS))]
        try:
            while len(loops) < most and _idle(loops, busy_s):
                loops += [begun() for _ in range(min(len(loops), most - len(loops)))]
            for loop in as_completed(loops):
                loop.result()
        finally:
            stop.set()


def _idle(loops: Sequence[Future[None]], busy_s: Mapping[int, float]) -> bool:
    """Waits for a tick in which the threads leave the processor idle; False where one of them ends before."""
    while True:
        before_s, start_s = _sum_s(busy_s), time.monotonic()
        if wait(loops, _TICK_S, FIRST_COMPLETED).done:
            return False
        if _sum_s(busy_s) - before_s < _BUSY * (time.monotonic() - start_s):
            return True


def _sum_s(busy_s: Mapping[int, float]) -> float:
    return sum(list(busy_s.values()))
