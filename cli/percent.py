"""How far one step of the library is: a bar on a terminal. It imports no plan and no orchestrator."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["percent"]


@contextmanager
def percent(what: str) -> Iterator[Callable[[float], None] | None]:
    """Shows a bar on a terminal while the block runs, and gives what moves it; elsewhere it gives None.

    Args:
        what: Name of the work; what moves the bar is told a share from 0 to 100.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # slow to import
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    with Progress(TextColumn(what), BarColumn(), TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=100)
        yield lambda share: progress.update(task, completed=share)
