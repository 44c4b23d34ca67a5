"""What a DM document says and the model has no words for: carried along, as an attribute of the item.

So an item that came from DM goes back to DM whole. `set_aside` takes it off for all other formats, and counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from rushes.formats.dataset import CARRIED
from rushes.formats.dm.documents import is_media_id
from rushes.formats.dm.tools import Json
from rushes.formats.dm.values import fits

__all__ = ["Carried", "carried_by", "kind_of", "set_aside"]

_SUFFIXES = {
    "video": ("mp4", "mov", "mkv", "webm", "avi", "m4v", "mpg", "mpeg", "ts", "flv", "wmv"),
    "text": ("txt", "md", "html"),
    "audio": ("wav", "mp3", "flac", "ogg", "m4a"),
    "pcd": ("pcd", "ply", "las", "laz", "bin"),
    "data": ("csv", "parquet"),
}


class Carried(Struct):
    """A document, as V1, of which one media is the item.

    Attributes:
        document: All of it.
        media: The item's id in it; empty where it has none.
        unsaid: What the model has no words for, counted by reason code.
    """

    document: dict[str, Any]
    media: str = ""
    unsaid: dict[str, int] = {}


def carried_by(attributes: Mapping[str, Any]) -> Carried | None:
    """Returns the document that an item carries along."""
    value = attributes.get(CARRIED)
    found = msgspec.convert(value, Carried) if fits(value, Carried) else None
    return found if found and (not found.media or is_media_id(found.media)) else None


def set_aside(attributes: Mapping[str, Any]) -> tuple[Json, Counter[str]]:
    """Returns an item's attributes without what only DM can say, and what that is, counted by reason code."""
    carried = carried_by(attributes)
    rest = {name: value for name, value in attributes.items() if name != CARRIED}
    return rest, Counter(carried.unsaid if carried else {})


def kind_of(path: str) -> str:
    """Returns DM's type of a file, by its name: image, where nothing speaks for another."""
    suffix = path.rpartition(".")[2].lower()
    return next((kind for kind, suffixes in _SUFFIXES.items() if suffix in suffixes), "image")
