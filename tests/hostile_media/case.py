"""What a hostile file is made of, and what it is to be tried with."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.containers import jpeg, track
from tests.rushes.video.clips import card

__all__ = ["FRAMES", "SMALL", "Case", "Lure", "clip", "text"]

FRAMES = [(0, jpeg()), (100, jpeg()), (200, jpeg())]
SMALL = track(1, "V_MJPEG", (64, 48))


class Lure(NamedTuple):
    """What nobody should touch.

    Attributes:
        secret: The path of a file.
        url: The address of a server, without a slash at its end.
    """

    secret: str
    url: str


class Case(NamedTuple):
    """One hostile file.

    Attributes:
        what: What it tries, unique.
        name: What it is called.
        make: Makes it.
        outcome: What becomes of it: an error's code, or `ok`; several where ffmpegs differ.
        fps: The frame rate that is asked for.
        look: What becomes of a look at it, a contact sheet or a thumbnail, where that is something else: little is
            decoded for it, and what there is is shown.
    """

    what: str
    name: str
    make: Callable[[Lure], bytes]
    outcome: str
    fps: float | None = None
    look: str | None = None

    @property
    def looked_at(self) -> str:
        """What becomes of a look at it."""
        return self.outcome if self.look is None else self.look


def text(form: str) -> Callable[[Lure], bytes]:
    """A text with `{secret}`, `{url}` and `{host}` filled in."""

    def make(lure: Lure) -> bytes:
        host = lure.url.partition("//")[2]
        filled = form.replace("{secret}", lure.secret).replace("{url}", lure.url).replace("{host}", host)
        return filled.encode("utf-8", "surrogateescape")

    return make


@cache
def clip(suffix: str, *options: str) -> bytes:
    """A good clip of a second."""
    with tempfile.TemporaryDirectory() as folder:
        return card(Path(folder) / f"a{suffix}", *options).read_bytes()
