"""Rows of a result: a table on a terminal, lines with tabs elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence

from cli.output import say

__all__ = ["fields", "lasted", "moment", "rows"]

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def rows(columns: Sequence[str], found: Iterable[Sequence[str]]) -> None:
    """Prints rows; their columns have names on a terminal only, so that a script meets none."""
    if not sys.stdout.isatty():
        for row in found:
            say("\t".join(" ".join(cell.split()) for cell in row))
        return
    from rich.console import Console  # slow to import, and a script needs none
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in found:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def fields(found: Mapping[str, object]) -> None:
    """Prints one thing, a line for each of its fields that says something."""
    width = max(map(len, found))
    for name, value in found.items():
        if value not in (None, "", (), [], {}):
            said = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
            lines = (", ".join(said) if isinstance(said, tuple) else str(said)).splitlines()
            say(f"{name:<{width}}  " + f"\n{'':<{width}}  ".join(lines))


def moment(at_s: float | None) -> str:
    """Returns a moment as a date and a time, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at_s)) if at_s else ""


def lasted(start_s: float | None, end_s: float | None) -> str:
    """Returns how long something took, or takes until now."""
    if not start_s:
        return ""
    seconds = max(0.0, (end_s or time.time()) - start_s)
    return next((f"{seconds / unit:.1f} {name}" for unit, name in _UNITS if seconds >= unit), f"{seconds:.0f} s")
