"""Times on the command line: seconds, or as a contact sheet shows them."""

from __future__ import annotations

import re

import click

__all__ = ["seconds"]


def seconds(text: str) -> float:
    """Returns the seconds of `62.5`, `1:02.5` or `0:01:02.5`."""
    match = re.fullmatch(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+(?:\.[0-9]*)?)", str(text))
    if match is None:
        raise click.BadParameter(f"expected seconds, like 62.5 or 1:02.5, not {text!r}.")
    hours, minutes, rest = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + rest
