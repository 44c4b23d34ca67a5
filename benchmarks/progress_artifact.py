"""What it costs a flow run to show its progress: a look at the workspace, and an update of the artifact.

`python -m benchmarks.progress_artifact [TIMES]`; beside it, what `benchmarks.task_overhead` says of a task run.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from cli.home import prepare_environment

prepare_environment(verbose=False)

from prefect import flow  # noqa: E402  # reads the environment when it is imported
from prefect.artifacts import create_progress_artifact, update_progress_artifact  # noqa: E402  # likewise

from cli.orchestrator import orchestrated  # noqa: E402  # it imports Prefect
from rushes.progress import steps, telling  # noqa: E402  # beside the others
from rushes.workspace import Batch, Workspace  # noqa: E402  # beside the others

_BATCHES = 300
_STAGES = ("download", "checksum", "transcode")


def prepare(workspace: Workspace) -> None:
    """Writes what the most batches that there are tell."""
    for number in range(_BATCHES):
        batch = Batch(f"ingest-{number:04d}", "run", "runs/run/ingest.jsonl", 0, 1000)
        for stage in _STAGES:
            with telling(workspace, batch, stage):
                pass


@flow
def measure(folder: str, times: int) -> tuple[float, float]:
    """Returns the milliseconds of CPU that a look and an update take this process."""
    workspace = Workspace(Path(folder))
    prepare(workspace)
    artifact = create_progress_artifact(0.0, "progress")
    looks = _cpu_ms(lambda _: list(steps(workspace, "run")), times)
    updates = _cpu_ms(
        # Typed as a coroutine, too, which it is in coroutines alone.
        lambda number: update_progress_artifact(artifact, number / times, f"{number}"),  # type: ignore[arg-type]
        times,
    )
    return looks, updates


def _cpu_ms(act: Callable[[int], object], times: int) -> float:
    before = resource.getrusage(resource.RUSAGE_SELF)
    for number in range(times):
        act(number)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / times


def main(times: int) -> None:
    """Prints both."""
    with orchestrated(with_ray=False), tempfile.TemporaryDirectory() as folder:
        looks, updates = measure(folder, times)
    print(f"a look at {_BATCHES * len(_STAGES)} files: {looks:.1f} ms CPU; an update: {updates:.1f} ms CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
