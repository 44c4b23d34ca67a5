"""Texts of others in Markdown: shown as they are, whatever they look like."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["code_block", "plain"]

_MARKS = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$@:])")
_LONGEST = 200


def plain(value: object) -> str:
    """Returns a text in one line that no reader of Markdown takes for anything but text; a long one is cut."""
    shown = "".join("\N{REPLACEMENT CHARACTER}" if _is_unseen(char) else char for char in str(value))
    cut = f"{shown[:_LONGEST]}…" if len(shown) > _LONGEST else shown
    return _MARKS.sub(r"\\\1", " ".join(cut.split()))


def code_block(text: str, language: str = "") -> str:
    """Returns a text as a block of code, whatever marks stand in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def _is_unseen(char: str) -> bool:
    """Says whether a character controls how others are shown, like a change of direction; a blank does not."""
    return not char.isspace() and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn")
