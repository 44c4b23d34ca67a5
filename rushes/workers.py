"""Work on many items at a time, in threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

__all__ = ["each"]

T = TypeVar("T")


def each(items: Sequence[T], work: Callable[[T], object], threads: int) -> None:
    """Works on all items, several at a time; where one fails, or the caller is interrupted, no other one is begun.

    Threads take items and settle them by themselves. To hand every result to the caller instead would have two threads
    wake for each item, which costs more than a small file does.

    Args:
        items: What there is to work on.
        work: Called with each, from any thread.
        threads: How many at a time.
    """
    left, stop = iter(items), threading.Event()

    def through() -> None:
        try:
            for item in left:
                if stop.is_set():
                    return
                work(item)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(threads) as pool:
        loops = [pool.submit(through) for _ in range(min(threads, len(items)))]
        try:
            for loop in as_completed(loops):
                loop.result()
        finally:
            stop.set()
