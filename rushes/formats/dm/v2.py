"""DM's V2 to its V1.

What `annotation_data` says counts; `annotation_meta` adds what V2 has no words for, wherever it speaks of the same
annotation. What V1 has no words for is carried under `_rushes`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from msgspec import Struct

from rushes.formats.dm.documents import (
    MEDIA_TYPES,
    REMAINS,
    V1_KEYS,
    V2Media,
    group_ids,
    is_media_id,
    media_order,
    read_v1,
    read_v2,
    size_of,
)
from rushes.formats.dm.merging import group_list, pair_of, relations_of
from rushes.formats.dm.pairs import Pair
from rushes.formats.dm.remains import parts, remains_of
from rushes.formats.dm.tools import Json
from rushes.formats.dm.v1 import plain_v2
from rushes.formats.dm.values import checked, same, typed

__all__ = ["migrate_v2_to_v1", "v1_from"]

_Lists = dict[str, list[Json]]


class _Note(Struct):
    absent: list[str] = []


class _Meta(Struct):
    annotations: _Lists | None = None
    annotationsData: _Lists | None = None  # noqa: N815 - the format's own names
    relations: _Lists | None = None
    annotationGroups: dict[str, list[Json] | None] | None = None  # noqa: N815
    extra: Json | None = None


def migrate_v2_to_v1(document: object, where: str = "document") -> Json:
    """Returns a V2 document, bare or whole, as V1.

    `migrate_v1_to_v2` makes the same V2 of it again. Where this V2 came from a V1, it is that V1 again, but for what
    changed in between.

    Args:
        document: As JSON has it; it stays as it is.
        where: Which file it is, for messages.

    Raises:
        AnnotationError: It is no V2; the message names `where` and the place in it.
    """
    return v1_from(checked(document, where), where)


def v1_from(document: Json, where: str) -> Json:
    """Returns a V2 document, all of which is known to be JSON, as V1; the two share what they have in common.

    Raises:
        AnnotationError: As in `migrate_v2_to_v1`.
    """
    data, said, form = parts(document)
    meta = typed(said, Json | None, f"{where}: annotation_meta") or {}
    typed(meta, _Meta, f"{where}: annotation_meta")
    named = group_ids(meta.get("annotationGroups"))
    media = read_v2(data, f"{where}: {'annotation_data' if form == 'whole' else '$'}", named)
    names = list(_names(media, meta))
    v1 = _assembled(media, names, meta, f"{where}: annotation_meta")
    known = read_v1(v1, f"{where}: annotation_meta", _group_names(media))
    plain = plain_v2(v1, known)
    if not same(plain, document):
        v1[REMAINS] = remains_of(document, v1, plain, names, known)
    return v1


def _group_names(media: list[V2Media]) -> Iterator[str]:
    for each in media:
        yield from (group["id"] for group in each.tools.get("group", ()))


def _names(media: list[V2Media], meta: Json) -> Iterator[str]:
    """Yields the V1 id of each media: that of the media of annotation_meta with its annotations, else one by place."""
    for kind in MEDIA_TYPES:
        mine = [each for each in media if each.kind == kind]
        known = {
            name: listed for name, listed in (meta.get("annotations") or {}).items() if name.startswith(f"{kind}_")
        }
        yield from _named(mine, sorted(filter(is_media_id, known), key=media_order), known, kind)


def _named(media: list[V2Media], names: list[str], known: _Lists, kind: str) -> list[str]:
    owners: dict[object, list[str]] = {}
    for name in names:
        for annotation in known[name]:
            owners.setdefault(str(annotation.get("id")), []).append(name)
    free = set(names)
    near = [*names, *[""] * len(media)]
    found = [""] * len(media)
    for place, each in enumerate(media):
        ids = [annotation["id"] for _, annotation, _ in each.annotations()]
        owned = [name for identity in ids for name in owners.get(identity, ()) if name in free]
        found[place] = near[place] if near[place] in owned else next(iter(owned), "")
        free.discard(found[place])
    for place, each in enumerate(media):
        if not found[place] and near[place] in free and (len(names) == len(media) or not any(each.tools.values())):
            found[place] = near[place]
            free.remove(near[place])
    fresh = (f"{kind}_{number}" for number in count(1) if f"{kind}_{number}" not in known)
    return [name or next(fresh) for name in found]


def _assembled(media: list[V2Media], names: list[str], meta: Json, where: str) -> Json:
    absent = (typed(meta.get(REMAINS), _Note | None, f"{where}.{REMAINS}") or _Note()).absent
    v1 = V1_KEYS | {key: value for key, value in meta.items() if key != REMAINS}
    v1 |= {"annotations": {}, "annotationsData": _empty(meta)}
    known = {annotation["id"] for each in media for listed in each.tools.values() for annotation in listed}
    for each, name in zip(media, names, strict=True):
        _add(v1, each, name, meta, where)
    v1["annotationGroups"] = _groups(v1, media, names)
    v1["relations"] = v1["relations"] and relations_of(v1["relations"], known)
    return {key: value for key, value in v1.items() if key not in absent or not same(value, V1_KEYS.get(key))}


def _empty(meta: Json) -> Json:
    """Returns what annotation_meta has in annotationsData of media that it has not in annotations."""
    annotated = meta.get("annotations") or {}
    return {
        name: []
        for name, items in (meta.get("annotationsData") or {}).items()
        if name not in annotated and is_media_id(name) and not items
    }


def _add(v1: Json, media: V2Media, name: str, meta: Json, where: str) -> None:
    before, items = (meta.get("annotations") or {}).get(name, []), (meta.get("annotationsData") or {}).get(name)
    data = {item.get("id"): item for item in reversed(items or []) if isinstance(item.get("id"), str)}
    known = {
        each["id"]: Pair(each, data.get(each["id"])) for each in reversed(before) if isinstance(each.get("id"), str)
    }
    size = size_of(v1["extra"] or {}, name, where)
    pairs = {
        annotation["id"]: pair_of(tool, annotation, known.get(annotation["id"]), size, place)
        for tool, annotation, place in media.annotations()
    }
    v1["annotations"][name] = [pair.annotation for pair in _in_order(pairs, before)]
    found = [pair.item for pair in _in_order(pairs, items or []) if pair.item is not None]
    if found or items is not None or name not in (meta.get("annotations") or {}):
        v1["annotationsData"][name] = found


def _in_order(pairs: dict[str, Pair], before: list[Json]) -> list[Pair]:
    """Returns pairs in the order that V1 had, and behind them the new ones."""
    named = (each.get("id") for each in before)
    order = dict.fromkeys(identity for identity in named if isinstance(identity, str) and identity in pairs)
    return [pairs[identity] for identity in order | dict.fromkeys(pairs)]


def _groups(v1: Json, media: list[V2Media], names: list[str]) -> Any:
    found: Json = dict(v1["annotationGroups"] or {})
    for each, name in zip(media, names, strict=True):
        keypoints = {point["id"]: point.get("group_id") for point in each.tools.get("keypoint", ())}
        groups = group_list(found.get(name), {pair["id"] for pair in v1["annotations"][name]}, keypoints)
        if groups or name in found:
            found[name] = groups
    for name in found.keys() - set(names):
        found[name] = group_list(found[name], (), {})
    return found or v1["annotationGroups"]
