"""How far a run is, for all who see its workspace: whether they share its machine, its disk, or a storage alone.

Each step over a batch has a file `runs/<run>/progress/<batch>.<stage>`, as many bytes long as items are done. So one
look at the folder's names and sizes tells it all, and costs the same whatever the number of items.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rushes.errors import StorageError
from rushes.workspace import Batch, Workspace

__all__ = ["Report", "Step", "run_progress", "run_totals", "steps", "telling", "throttled"]

_EVERY_S = 0.5
_EVERY_IN_STORAGE_S = 10.0  # each is a request, and may be billed as one

Report = Callable[[int, int], None]
"""Told how many of how many items of the batch are done."""


class Step(NamedTuple):
    """How far one stage is with one batch."""

    batch: str
    stage: str
    done: int


def throttled(log: Callable[[str], None], what: str, every_s: float = 10.0) -> Report:
    """Returns a report for a batch that logs at most once in `every_s` seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            log(f"{what}: {done} of {total} items")

    return report


@contextmanager
def telling(workspace: Workspace, batch: Batch, stage: str, report: Report | None = None) -> Iterator[Report]:
    """Gives a step what it tells its progress to: all who watch the run, and `report`.

    What cannot be told is not told: no step fails of it. A step that ends well is done with all its items.
    """
    path = _file(workspace, batch, stage)
    every_s = _EVERY_IN_STORAGE_S if workspace.mirror else _EVERY_S
    told_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_s
        if time.monotonic() - told_s >= every_s:
            with suppress(OSError, StorageError):
                _tell(workspace, path, done)
            told_s = time.monotonic()
        if report:
            report(done, total)

    yield tell
    with suppress(OSError):
        _write(path, batch.count)  # in a storage's mirror: it goes up with what the step made


def steps(workspace: Workspace, run: str) -> Iterator[Step]:
    """Yields how far each stage is with each batch that it has begun."""
    folder = f"runs/{run}/progress"
    if workspace.mirror:
        found = [(PurePosixPath(entry.name).name, entry.size_bytes) for entry in workspace.mirror.storage.list(folder)]
    else:
        found = [(path.name, path.stat().st_size) for path in workspace.path(folder).glob("[!.]*")]
    for name, done in sorted(found):
        batch, _, stage = name.rpartition(".")
        yield Step(batch, stage, done)


def run_progress(workspace: Workspace, run: str) -> Counter[str]:
    """Returns how many items each stage of a run has ended so far."""
    done: Counter[str] = Counter()
    for step in steps(workspace, run):
        done[step.stage] += step.done
    return done


def run_totals(workspace: Workspace, run: str) -> dict[str, int]:
    """Returns how many members of archives, and chunks, are to be made, and items exported, once that is planned."""
    folder = workspace.run(run)
    return {name: _lines(folder / f"{name}.jsonl") for name in ("members", "chunks", "export")}


def _file(workspace: Workspace, batch: Batch, stage: str) -> Path:
    return workspace.run(batch.run) / "progress" / f"{batch.name}.{stage}"


def _tell(workspace: Workspace, path: Path, done: int) -> None:
    if workspace.mirror:
        workspace.mirror.storage.write(workspace.relative(path), b"." * done)
    else:
        _write(path, done)


def _write(path: Path, done: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(
        "ab"
    ) as file:  # only its length counts; it is never emptied, so that nobody sees less than there was
        file.truncate(done)


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return 0  # a part file that was renamed in between
