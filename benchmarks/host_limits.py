"""What a limit per host over a whole cluster costs: Prefect's global concurrency limits beside a Ray actor, in one run.

`python -m benchmarks.host_limits [SECONDS]`
"""

from __future__ import annotations

import asyncio
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from statistics import median
from typing import Any

from cli.home import prepare_environment

prepare_environment(verbose=False)

import ray  # noqa: E402  # both read the environment when they are imported
from prefect.client.orchestration import get_client  # noqa: E402
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate  # noqa: E402
from prefect.concurrency.sync import concurrency  # noqa: E402
from prefect.settings import PREFECT_API_URL, temporary_settings  # noqa: E402

from cli.orchestrator import orchestrated  # noqa: E402
from flows.hosts import ClusterShares  # noqa: E402
from rushes.transfer.leases import LeasedGate  # noqa: E402

LIMIT, BATCHES, THREADS, HOLD_S = 8, 2, 8, 0.01
"""The host's slots; who wants them; and how long an exchange takes: 800 a second, if the limit cost nothing."""

Slot = Callable[[], AbstractContextManager[Any]]


@ray.remote(num_cpus=0)
class Semaphore:
    """One call to take a slot, and one to give it back."""

    def __init__(self, limit: int) -> None:
        self._slots = asyncio.Semaphore(limit)

    async def acquire(self) -> None:
        """Waits for a slot."""
        await self._slots.acquire()

    async def release(self) -> None:
        """Gives one back."""
        self._slots.release()


@contextmanager
def _called(semaphore: Any) -> Iterator[None]:
    ray.get(semaphore.acquire.remote())
    try:
        yield
    finally:
        ray.get(semaphore.release.remote())


def _slots(kind: str, semaphore: Any) -> tuple[Slot, Callable[[], None]]:
    """Returns how to take a slot, and how to end."""
    if kind == "prefect":
        return lambda: concurrency("host", strict=True), lambda: None
    if kind == "call":
        return lambda: _called(semaphore), lambda: None
    gate = LeasedGate(ClusterShares())
    return lambda: gate.slot("http://host/", LIMIT), gate.close


@ray.remote(num_cpus=1)
def one_after_the_other(kind: str, semaphore: Any, api: str, count: int) -> list[float]:
    """Returns what each of so many slots took, in milliseconds, and the CPU milliseconds of one, last."""
    with temporary_settings({PREFECT_API_URL: api}):
        slot, end = _slots(kind, semaphore)
        with slot():
            pass  # connections, imports
        taken_ms, cpu_s = [], _cpu_s()
        for _ in range(count):
            start_s = time.perf_counter()
            with slot():
                pass
            taken_ms.append(1000 * (time.perf_counter() - start_s))
        own_ms = 1000 * (_cpu_s() - cpu_s) / count
        end()
        return [*taken_ms, own_ms]


@ray.remote(num_cpus=1)
def at_once(kind: str, semaphore: Any, api: str, seconds: float) -> tuple[int, float]:
    """Takes slots from many threads for so long, and returns how many and the CPU seconds."""
    with temporary_settings({PREFECT_API_URL: api}):
        slot, end = _slots(kind, semaphore)
        done = [0] * THREADS
        cpu_s, end_s = _cpu_s(), time.monotonic() + seconds

        def work(number: int) -> None:
            with temporary_settings({PREFECT_API_URL: api}):
                while time.monotonic() < end_s:
                    with slot():
                        time.sleep(HOLD_S)
                    done[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        used_s = _cpu_s() - cpu_s
        end()
        return sum(done), used_s


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(seconds: float) -> None:
    """Prints what each kind costs, one slot at a time and many at once."""
    with orchestrated():
        with get_client(sync_client=True) as client:
            client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="host", limit=LIMIT))
        api, semaphore = str(PREFECT_API_URL.value()), Semaphore.remote(LIMIT)  # type: ignore[attr-defined]
        for kind, count in (("prefect", 100), ("call", 1000), ("leases", 20000)):
            *taken_ms, own_ms = ray.get(one_after_the_other.remote(kind, semaphore, api, count))
            found = ray.get([at_once.remote(kind, semaphore, api, seconds) for _ in range(BATCHES)])
            done, used_s = sum(one for one, _ in found), sum(one for _, one in found)
            print(
                f"{kind}: {median(taken_ms):.3f} ms a slot, {own_ms:.3f} ms CPU; {BATCHES} batches at once "
                f"{done / seconds:.0f} exchanges/s of {LIMIT / HOLD_S:.0f}, {1000 * used_s / done:.2f} ms CPU each",
                flush=True,
            )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
