"""DM's V1 to its V2.

`annotation_data` says of every annotation what V2 has words for. `annotation_meta` holds the whole V1 document, so that
nothing is lost; of its six keys, those that V1 did not have are named there under `_rushes`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rushes.formats.dm.documents import MEDIA_TYPES, REMAINS, V1_KEYS, V1Media, read_v1
from rushes.formats.dm.pairs import to_v2
from rushes.formats.dm.remains import read_remains, restored
from rushes.formats.dm.tools import Json
from rushes.formats.dm.values import checked, wrong

__all__ = ["migrate_v1_to_v2", "plain_v2", "v2_from"]


def migrate_v1_to_v2(document: object, where: str = "document") -> Json:
    """Returns a V1 document as V2.

    `migrate_v2_to_v1` makes the same V1 of it again. Where the V1 came from a V2 that said more than V1 can, and
    carries it under `_rushes`, it is that V2 again, but for what changed in between.

    Args:
        document: As JSON has it; it stays as it is.
        where: Which file it is, for messages.

    Raises:
        AnnotationError: It is no V1; the message names `where` and the place in it.
    """
    return v2_from(checked(document, where), where)


def v2_from(document: Json, where: str) -> Json:
    """Returns a V1 document, all of which is known to be JSON, as V2; the two share what they have in common.

    Raises:
        AnnotationError: As in `migrate_v1_to_v2`.
    """
    document = dict(document)
    remains = read_remains(document.pop(REMAINS, None), where)
    media = read_v1(document, where, () if remains is None else remains.groups())
    if remains is None:
        _need_sizes(media, where)
    found = plain_v2(document, media)
    return found if remains is None else restored(remains, found, document, media)


def plain_v2(document: Json, media: Iterable[V1Media]) -> Json:
    """Returns a V1 document as V2, without what it may carry from an earlier one.

    Args:
        document: The document.
        media: As `read_v1` read them.
    """
    data: Json = {"classification": {}}
    classes: dict[str, set[str]] = {}
    for each in media:
        tools = _media(each)
        data.setdefault(MEDIA_TYPES[each.id.rpartition("_")[0]], []).append(tools)
        for tool, listed in tools.items():
            classes.setdefault(tool, set()).update(found["classification"] for found in listed)
    data["classification"] = {tool: sorted(classes[tool] - {""}) for tool in sorted(classes) if classes[tool] - {""}}
    absent = sorted(V1_KEYS.keys() - document.keys())
    note: Json = {REMAINS: {"absent": absent}} if absent else {}
    return {"annotation_data": data, "annotation_meta": V1_KEYS | document | note}


def _media(media: V1Media) -> dict[str, list[Any]]:
    tools: dict[str, list[Any]] = {}
    for pair, where in media.pairs:
        found = to_v2(pair, media.size, where)
        tool, identity = pair.annotation["tool"], found["id"]
        if tool == "keypoint" and identity in media.groups:
            found["group_id"] = media.groups[identity]
        tools.setdefault(tool, []).append(found)
    return tools


def _need_sizes(media: Iterable[V1Media], where: str) -> None:
    for each in media:
        for pair, place in each.pairs:
            if each.size is None and (pair.item or {}).get("pixel_indices") is not None:
                raise wrong(
                    f"{place}.pixel_indices",
                    f"pixels of an image of unknown size; expected width and height in {where}: extra.{each.id}",
                )
