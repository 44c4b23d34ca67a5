"""Numbers and names as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

__all__ = ["clean", "cut", "hours", "listed", "number", "percent", "size", "span"]

_BIDI = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the order of the text around them."""


def clean(text: object) -> str:
    """Returns a text from outside in one line, without what turns its neighbours around or is no text."""
    return "".join(_shown(character) for character in str(text))


def cut(text: object, width: int) -> str:
    """Returns the beginning of a clean text; wide characters, as of Chinese, count twice."""
    cleaned, taken = clean(text), 0
    for index, character in enumerate(cleaned):
        taken += 1 + (unicodedata.east_asian_width(character) in "WF")
        if taken > width:
            return cleaned[: max(1, index - 1)] + "…"
    return cleaned


def number(value: float) -> str:
    """Returns 1234567 as 1,234,567."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"


def percent(part: float, whole: float) -> str:
    """Returns a share; what is not quite nothing or all does not look as if it were."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    if 0 < share < 0.1:
        return "< 0.1 %"
    if 99.9 < share < 100:
        return "> 99.9 %"
    return f"{share:.3g} %"


def size(size_bytes: float) -> str:
    """Returns an amount of bytes with its unit."""
    amount, units = float(size_bytes), ["B", "kB", "MB", "GB", "TB", "PB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.3g} {units[0]}" if amount < 999.5 else f"{amount:,.0f} {units[0]}"


def span(seconds: float) -> str:
    """Returns a time in seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 5400 else hours(seconds)


def hours(seconds: float) -> str:
    """Returns a time in hours."""
    return f"{number(float(f'{seconds / 3600:.3g}'))} h"


def listed(names: Iterable[object], most: int) -> str:
    """Returns the first names, and how many there are beyond them."""
    every = [cut(name, 60) for name in names]
    more = f" and {len(every) - most:,} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    hidden = character in _BIDI or unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co")
    return "\N{REPLACEMENT CHARACTER}" if hidden else character
