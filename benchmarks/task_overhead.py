"""What one task run costs on Ray: prefect-ray's own runner beside ours, in one run.

`python -m benchmarks.task_overhead [TASKS]`
"""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import Any

from cli.home import prepare_environment

prepare_environment(verbose=False)

import ray  # noqa: E402  # both read the environment when they are imported
from prefect import flow, task  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect_ray import RayTaskRunner  # noqa: E402

from cli.orchestrator import orchestrated  # noqa: E402
from flows.runner import LeanRayTaskRunner  # noqa: E402


@task(cache_policy=NO_CACHE)
def trivial(number: int) -> float:
    """Returns the CPU seconds that its process has used so far."""
    return time.process_time() if number >= 0 else 0.0


@flow
def many(count: int) -> None:
    """Runs the trivial task `count` times."""
    for future in [trivial.submit(number) for number in range(count)]:
        future.wait()


def measure(runner: RayTaskRunner[Any], count: int) -> tuple[float, float]:
    """Returns tasks per second, and milliseconds of driver CPU per task."""
    run = many.with_options(task_runner=runner)
    run(2 * (os.cpu_count() or 1))  # workers that have imported everything
    cpu, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    run(count)
    elapsed_s, used = time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF)
    driver_s = used.ru_utime + used.ru_stime - cpu.ru_utime - cpu.ru_stime
    return count / elapsed_s, 1000 * driver_s / count


def main(count: int) -> None:
    """Prints both, and the ratio."""
    with orchestrated():
        results = {}
        for name, kind in (("RayTaskRunner", RayTaskRunner), ("LeanRayTaskRunner", LeanRayTaskRunner)):
            results[name] = measure(kind(), count)
            print(f"{name}: {results[name][0]:.1f} tasks/s, driver {results[name][1]:.1f} ms CPU a task")
        print(f"ratio: {results['LeanRayTaskRunner'][0] / results['RayTaskRunner'][0]:.1f}x")
        ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
