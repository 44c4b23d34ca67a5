"""Text in Pascal VOC's files: what XML cannot write, and values that are no text, come back as they were."""

from __future__ import annotations

import functools
import html
import re
from typing import Any

import msgspec

__all__ = ["escaped", "is_plain", "meant", "said", "spelled_name"]

# XML 1.0 has no way to write these: https://www.w3.org/TR/xml/#charsets. A carriage return comes back as a line feed.
_UNWRITABLE = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

escaped = functools.partial(html.escape, quote=False)
"""Returns a text as it stands in an element."""


def said(value: Any) -> str:
    """Returns a value as text that `meant` reads back: as it is, where that reads as nothing else, or as JSON."""
    if isinstance(value, str) and is_plain(value) and isinstance(meant(value), str):
        return value
    text = msgspec.json.encode(value, order="deterministic").decode()
    return _UNWRITABLE.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def meant(text: str) -> Any:
    """Returns the value that a text stands for: JSON where it is some, else the text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def _units(character: str) -> list[int]:
    code = character.encode("utf-16-be")
    return [int.from_bytes(code[at : at + 2], "big") for at in range(0, len(code), 2)]


def is_plain(text: str) -> bool:
    """Says whether a text comes back from an XML file as it was."""
    return bool(text) and text == text.strip() and not _UNWRITABLE.search(text)


@functools.lru_cache(maxsize=4096)
def spelled_name(text: str) -> tuple[str, bool]:
    """Returns a name as XML has it, and whether it comes back as it was."""
    if is_plain(text) or not text:
        return escaped(text), True
    return escaped(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()), False
