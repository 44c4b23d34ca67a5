"""Text from outside in Markdown and in table cells: shown as it is, whatever it looks like.

Of what a page takes for a link, only addresses of the web become one.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

__all__ = ["code", "inline", "link", "plain"]

_MARKS = re.compile(r"([!-/:-@\[-`{-~])")
_HIDDEN = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")
_NOTHING = "\u200b"
_WEB = ("http", "https")


def inline(text: str) -> str:
    """Returns a text so that Markdown shows it as it is, also in a table: in one line, without markup."""
    return _MARKS.sub(r"\\\1", _one_line(text))


def code(text: str) -> str:
    """Returns a path or an id as code; one that code cannot hold, as text."""
    return inline(text) if re.search(r"[`|]|^\s|\s$|^$", text) else f"`{_one_line(text)}`"


def link(text: str, url: str) -> str:
    """Returns a text that leads to an address of the web, or only the text: no script, no password, no secret."""
    return f"[{inline(text)}]({target})" if (target := _target(url)) else inline(text)


def plain(text: str) -> str:
    """Returns a text for a cell that one page shows as it is and another takes for Markdown with HTML in it.

    What would begin a tag, a link or a picture is parted by a character without width, which neither shows.
    """
    return re.sub(r"<(?=\S)|\](?=[(\[:])", lambda found: found[0] + _NOTHING, _one_line(text))


def _one_line(text: str) -> str:
    return _HIDDEN.sub(" ", text)


def _target(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _WEB and parts.hostname and not parts.username and not parts.password
    except ValueError:
        return None
    if not usable or "…" in url:  # a secret that was left out of it
        return None
    return quote(url, safe="/:?#[]@!$&'*+,;=%-._~")
