"""How far a run is: told by the files it writes, so that anyone who sees the workspace can ask."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from rushes.workspace import Workspace

__all__ = ["run_progress", "run_totals", "throttled"]


def throttled(log: Callable[[str], None], what: str, every_s: float = 10.0) -> Callable[[int, int], None]:
    """Returns a report for a batch that logs at most once in `every_s` seconds."""
    last = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= every_s:
            last = time.monotonic()
            log(f"{what}: {done} of {total} items")

    return report


def run_progress(workspace: Workspace, run: str) -> dict[str, int]:
    """Returns how many items each stage of a run has ended so far, by counting the lines of its segments."""
    folder = workspace.run(run)
    made = (workspace.ledger(stage).glob(f"{run}-*.jsonl") for stage in ("unpacked", "media"))
    segments = {
        "download": (folder / "downloads").glob("*.jsonl"),
        "transcode": chain.from_iterable(made),
        "chunks": (folder / "chunks").glob("*.txt"),
        "export": (folder / "export").glob("*.rows.jsonl"),
    }
    return {stage: sum(_lines(path) for path in paths) for stage, paths in segments.items()}


def run_totals(workspace: Workspace, run: str) -> dict[str, int]:
    """Returns how many members of archives, and chunks, are to be made, and items exported, once that is planned."""
    folder = workspace.run(run)
    return {name: _lines(folder / f"{name}.jsonl") for name in ("members", "chunks", "export")}


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except FileNotFoundError:
        return 0  # a part file that was renamed in between
