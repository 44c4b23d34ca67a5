"""How far a command is that counts what it does: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.output import note

__all__ = ["counted"]

_EVERY_S = 5.0


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Gives what is to be told how many of how many are done, while the block runs."""
    if not sys.stderr.isatty():
        yield _lines(what)
        return
    from rich.console import Console  # slow to import, and seldom needed
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)


def _lines(what: str) -> Callable[[int, int], None]:
    said_s = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal said_s
        now_s = time.monotonic()
        if now_s - said_s >= _EVERY_S:
            said_s = now_s
            note(f"{what} {done}/{total}")

    return report
