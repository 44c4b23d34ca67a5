"""How far a run is, on standard error: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.output import note
from rushes.plan import latest_run, load_plan
from rushes.progress import run_progress, run_totals
from rushes.storage import is_storage
from rushes.workspace import Workspace

__all__ = ["shown"]

_EVERY_S = 0.5
_PLAIN_EVERY_S = 5.0


@contextmanager
def shown(place: str, before: str | None) -> Iterator[None]:
    """Shows the run that is planned after `before`, while the block runs.

    Of a workspace in a storage nothing is shown: to look there every second would cost more than it says.

    Args:
        place: The workspace.
        before: The run that was the latest one before.
    """
    if is_storage(place):
        note("The workspace is in a storage: how far the run is stands in Prefect.")
        yield
        return
    ended = threading.Event()
    show = _bars if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(Workspace(Path(place)), before, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _bars(workspace: Workspace, before: str | None, ended: threading.Event) -> None:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=False) as progress:
        bars: dict[str, TaskID] = {}
        while True:
            for stage, (done, total) in _state(workspace, before).items():
                if stage not in bars:
                    bars[stage] = progress.add_task(stage, total=total)
                progress.update(bars[stage], completed=done, total=total)
            if ended.wait(_EVERY_S):
                break


def _lines(workspace: Workspace, before: str | None, ended: threading.Event) -> None:
    last = ""
    while not ended.wait(_PLAIN_EVERY_S if last else _EVERY_S):
        line = ", ".join(f"{stage} {done}/{total}" for stage, (done, total) in _state(workspace, before).items())
        if line != last:
            note(line)
        last = line or last


def _state(workspace: Workspace, before: str | None) -> dict[str, tuple[int, int]]:
    """Returns items done and to do, by stage; empty until the run is planned."""
    run = latest_run(workspace)
    if run is None or run == before:
        return {}
    plan = load_plan(workspace, run)
    todo = sum(batch.count for batch in plan.batches)
    done, told = run_progress(workspace, run), run_totals(workspace, run)
    totals = {
        "download": todo,
        "transcode": todo + told["members"],
        "chunks": told["chunks"],
        "export": told["export"] or plan.planned,
    }
    return {stage: (min(done[stage], total), total) for stage, total in totals.items() if total}
