"""Hostile media, one a line: what is tried, the bytes that try it, and what becomes of them.

The tests run them; `python -m tests.hostile_media` prints them as the table of `docs/media.md`.
"""

from __future__ import annotations

from collections import defaultdict

from tests.hostile_media.case import Case, Lure
from tests.hostile_media.images import IMAGES
from tests.hostile_media.playlists import PLAYLISTS
from tests.hostile_media.references import REFERENCES
from tests.hostile_media.sizes import SIZES

__all__ = ["CASES", "NAMES", "Case", "Lure", "table"]

NAMES = (
    "-i.mp4",
    "-vf.mp4",
    "a%03d.mp4",
    "%d.mp4",
    "a\nb.mp4",
    "a\tb.mp4",
    "día ü 日本.mp4",
    "http:x.mp4",
    "a:b.mp4",
    "concat:a|b.mp4",
    "pipe:0.mp4",
    "file:a.mp4",
    "[in]'; movie=x.mp4",
    "*?.mp4",
    " a.mp4",
    "\\.mp4",
)
"""What videos may be called."""

GROUPS = {
    "Playlists, lists and scripts that name a file and a server": PLAYLISTS,
    "Videos that name a file or a server": REFERENCES,
    "Images": IMAGES,
    "Sizes, times and numbers": SIZES,
}
CASES = [case for group in GROUPS.values() for case in group]


def table() -> str:
    """Returns the cases as a table in Markdown."""
    rows = ["| What is tried | What comes of it | A look at it | Cases |", "|---|---|---|---|"]
    for name, group in GROUPS.items():
        by_outcome: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for case in group:
            by_outcome[_shown(case.outcome), _shown(case.looked_at)].append(case.what)
        rows += [f"| {name} | {ends} | {looked} | {'; '.join(cases)} |" for (ends, looked), cases in by_outcome.items()]
    return "\n".join(rows) + "\n"


def _shown(outcome: str) -> str:
    return " or ".join(word if word == "ok" else f"`{word}`" for word in outcome.split(", "))
