"""What cells of a source may hold: ids, and text that can be shown."""

from __future__ import annotations

import re

from rushes.errors import RowError
from rushes.transfer.urls import redact

__all__ = ["MAX_ID_CHARACTERS", "checked_id", "printable", "shown"]

MAX_ID_CHARACTERS = 200
MAX_SHOWN_CHARACTERS = 80

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")


def checked_id(key: str, where: str) -> str:
    """Returns an id that may be one.

    Raises:
        RowError: It is too long, or would lead out of a folder.
    """
    if len(key) > MAX_ID_CHARACTERS:
        raise RowError(f"{where}: id {shown(key)}: {len(key)} characters; expected at most {MAX_ID_CHARACTERS}.")
    if not {"", ".", ".."}.isdisjoint(re.split(r"[/\\]", key)):
        raise RowError(f"{where}: id {shown(key)}: expected no empty part, '.' or '..' between slashes.")
    return key


def shown(text: str) -> str:
    """Returns a text as messages show it: columns may have slipped, so any of them may hold a signed URL."""
    shown = redact(printable(text))
    return shown if len(shown) <= MAX_SHOWN_CHARACTERS else f"{shown[:MAX_SHOWN_CHARACTERS]}…"


def printable(text: str) -> str:
    """Returns a text with a sign in the place of each control character."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
