"""Cutting a file of work into ranges that end together and are worth a task run each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from rushes.jsonl import atomic_write, encode
from rushes.workspace import Batch, Workspace

__all__ = ["cut"]

_MAX_BATCHES = 300
_BATCH_S = 2.5  # four task runs a batch cost about 0.03 s each: under a twentieth


def cut(
    path: Path, costed: Iterable[tuple[object, float]], run: str, workspace: Workspace, size: int | None, least: int = 1
) -> list[Batch]:
    """Writes records as lines of `path` and cuts the file into ranges of about equal cost.

    Args:
        path: The file, in the workspace.
        costed: Records, each with the seconds of work that it is expected to be.
        run: The run's id.
        workspace: The workspace.
        size: Records in each range; None cuts by work: ranges small enough to end together, large enough that running
            them as tasks costs less than a twentieth, and a few hundred at most.
        least: Records in each range that is cut by work, because so many are worked on at a time.
    """
    lengths: list[int] = []
    costs: list[float] = []
    with atomic_write(path, 0o600) as file:
        for record, cost in costed:
            lengths.append(file.write(encode(record) + b"\n"))
            costs.append(cost)
    limit = max(_BATCH_S * least, sum(costs) / _MAX_BATCHES)
    relative = path.relative_to(workspace.root).as_posix()

    def full(count: int, cost: float) -> bool:
        return count >= size if size else cost >= limit and count >= least

    return [
        Batch(f"{path.stem}-{number:04d}", run, relative, offset, count)
        for number, (offset, count) in enumerate(_ranges(lengths, costs, full))
    ]


def _ranges(lengths: list[int], costs: list[float], full: Callable[[int, float], bool]) -> Iterator[tuple[int, int]]:
    start = offset = count = 0
    cost = 0.0
    for length, item_cost in zip(lengths, costs, strict=True):
        offset, count, cost = offset + length, count + 1, cost + item_cost
        if full(count, cost):
            yield start, count
            start, count, cost = offset, 0, 0.0
    if count:
        yield start, count
