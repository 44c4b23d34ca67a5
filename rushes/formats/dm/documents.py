"""DM documents of both versions, looked at from above: their media, what is annotated on each, and who names whom."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from rushes.formats.dm.groups import groups_of
from rushes.formats.dm.pairs import ALL_TOOLS, Pair, check_v1, check_v2
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.tools import Json, Name
from rushes.formats.dm.values import short, typed, wrong

__all__ = [
    "MEDIA_TYPES",
    "REMAINS",
    "V1_KEYS",
    "V1Media",
    "V2Media",
    "group_ids",
    "is_media_id",
    "media_order",
    "read_v1",
    "read_v2",
    "size_of",
    "version_of",
]

MEDIA_TYPES = {kind: f"{kind}s" for kind in ("image", "video", "pcd", "text", "audio", "prompt", "data")}
"""V1's word for a type of media, and V2's."""
V1_KEYS: Json = {
    "extra": {},
    "annotations": {},
    "annotationsData": {},
    "relations": {},
    "annotationGroups": {},
    "assignmentId": None,
}
"""What V1 is made of, each with what it is when it is not there."""
REMAINS = "_rushes"
"""The key of V1, and of V2's annotation_meta, under which rushes keeps what the version has no words for."""

_MEDIA_ID = re.compile(rf"({'|'.join(MEDIA_TYPES)})_([0-9]+)\Z")
_Lists = dict[str, list[Json]]


class V1Media(NamedTuple):
    """One media of a V1 document.

    Attributes:
        id: Like image_1.
        pairs: Its annotations in their order, each with the place of its data for messages.
        size: Of an image, where `extra` says it.
        groups: Group of each annotation that is in one.
    """

    id: str
    pairs: list[tuple[Pair, str]]
    size: Size | None
    groups: dict[str, str]


class V2Media(NamedTuple):
    """One media of a V2 document.

    Attributes:
        kind: V1's word for its type, like image.
        tools: Its annotations by tool, and its groups.
        where: Where it stands, for messages.
    """

    kind: str
    tools: dict[str, list[Json]]
    where: str

    def annotations(self) -> Iterator[tuple[str, Json, str]]:
        """Yields tool, annotation and place of all that is not a group, whatever the order of the document's keys."""
        for tool in ALL_TOOLS:
            for index, each in enumerate(self.tools.get(tool, ())):
                yield tool, each, f"{self.where}.{tool}[{index}]"


class _Relation(Struct):
    annotationId: Name  # noqa: N815 - the format's own names
    targetAnnotationId: Name  # noqa: N815


_Side = Annotated[int, Meta(gt=0, le=2**31)]


def version_of(document: Json, where: str) -> Literal["v1", "v2"]:
    """Tells the version of a document from what is in it.

    Raises:
        AnnotationError: It is none.
    """
    if "annotation_data" in document:
        return "v2"
    if "annotations" in document and "annotationsData" in document:
        return "v1"
    if "annotations" not in document and any(isinstance(document.get(key), list) for key in MEDIA_TYPES.values()):
        return "v2"
    raise wrong(
        where, "no DM document; expected annotations and annotationsData (v1), or annotation_data or images (v2)"
    )


def is_media_id(name: str) -> bool:
    """Tells whether a name is a type of media, _ and a number."""
    return _MEDIA_ID.match(name) is not None


def media_order(identity: str) -> tuple[int, int, str, str]:
    """Sorts media ids by type, and by number as people count."""
    kind, _, number = identity.rpartition("_")
    digits = number.lstrip("0")
    return list(MEDIA_TYPES).index(kind), len(digits), digits, number


def size_of(extra: Json, media: str, where: str) -> Size | None:
    """Returns the size of an image that `extra` of a V1 document says.

    Raises:
        AnnotationError: It is no size.
    """
    said = typed(extra.get(media), Json | None, f"{where}: extra.{media}") or {}
    if said.get("width") is None and said.get("height") is None:
        return None
    sides = (typed(said.get(side), _Side, f"{where}: extra.{media}.{side}") for side in ("width", "height"))
    return Size(*sides)


def read_v1(document: Json, where: str, named: Iterable[str] = ()) -> list[V1Media]:
    """Returns the media of a V1 document, in the order of their ids.

    Args:
        document: The document.
        where: Which file it is, for messages.
        named: Ids of what is not in the document, and may be the end of a relation.

    Raises:
        AnnotationError: Something in it is not what it should be; the message names the place.
    """
    annotations = typed(document.get("annotations"), _Lists, f"{where}: annotations")
    items = typed(document.get("annotationsData"), _Lists, f"{where}: annotationsData")
    groups = typed(document.get("annotationGroups"), Json | None, f"{where}: annotationGroups") or {}
    extra = typed(document.get("extra"), Json | None, f"{where}: extra") or {}
    for media in [*annotations, *items]:
        if not is_media_id(media):
            raise wrong(
                f"{where}: annotations", f"media {short(media)}: expected {', '.join(MEDIA_TYPES)}, _ and a number"
            )
    found = []
    for media in sorted({*annotations, *items}, key=media_order):
        pairs = _pairs(media, annotations.get(media, []), items.get(media, []), where)
        grouped = _groups(media, groups.get(media), pairs, where)
        if media in annotations:
            found.append(V1Media(media, pairs, size_of(extra, media, where), grouped))
    for media in groups.keys() - annotations.keys():
        groups_of(groups[media], (), f"{where}: annotationGroups.{media}")
    known = {pair.annotation["id"] for each in found for pair, _ in each.pairs}
    known.update(named, group_ids(groups))
    _check_relations(document.get("relations"), found, known, where)
    return found


def read_v2(data: object, where: str, named: Iterable[str] = ()) -> list[V2Media]:
    """Returns the media of V2's annotation_data, by type, in their order.

    Args:
        data: The annotation_data.
        where: Where it stands, for messages.
        named: Ids of what is not in it, and may be the end of a relation.

    Raises:
        AnnotationError: Something in it is not what it should be; the message names the place.
    """
    whole = typed(data, Json, where)
    typed(whole.get("classification"), dict[str, list[str]] | None, f"{where}.classification")
    for key, value in whole.items():
        if key not in MEDIA_TYPES.values() and _is_media(value):
            raise wrong(f"{where}.{key}", f"unknown type of media; expected one of {', '.join(MEDIA_TYPES.values())}")
    found = [
        _v2_media(kind, each, f"{where}.{plural}[{index}]")
        for kind, plural in MEDIA_TYPES.items()
        for index, each in enumerate(typed(whole.get(plural), list[Json] | None, f"{where}.{plural}") or [])
    ]
    _check_named(found, named)
    return found


def group_ids(groups: Mapping[str, object] | None) -> set[str]:
    """Returns the ids of V1's groups; what is none is passed over."""
    found = [
        group.get("id")
        for listed in (groups or {}).values()
        if isinstance(listed, list)
        for group in listed
        if isinstance(group, dict)
    ]
    return {identity for identity in found if isinstance(identity, str)}


def _pairs(media: str, annotations: list[Json], items: list[Json], where: str) -> list[tuple[Pair, str]]:
    place = f"{where}: annotationsData.{media}"
    by_id: dict[str, tuple[Json, str]] = {}
    for index, each in enumerate(items):
        identity = typed(each.get("id"), Name, f"{place}[{index}].id")
        if identity in by_id:
            raise wrong(f"{place}[{index}].id", f"{short(identity)} stands there twice; expected one item of this id")
        by_id[identity] = each, f"{place}[{index}]"
    found: list[tuple[Pair, str]] = []
    seen: set[str] = set()
    for index, annotation in enumerate(annotations):
        spot = f"{where}: annotations.{media}[{index}]"
        identity = check_v1(annotation, spot)["id"]
        if identity in seen:
            raise wrong(f"{spot}.id", f"{short(identity)} stands there twice; expected one annotation of this id")
        seen.add(identity)
        item = by_id.get(identity)
        found.append((Pair(annotation, item and item[0]), item[1] if item else place))
    for identity, (_, spot) in by_id.items():
        if identity not in seen:
            raise wrong(f"{spot}.id", f"{short(identity)} is no annotation of this media")
    return found


def _groups(media: str, groups: object, pairs: list[tuple[Pair, str]], where: str) -> dict[str, str]:
    known = {pair.annotation["id"] for pair, _ in pairs}
    return groups_of(groups, known, f"{where}: annotationGroups.{media}")


def _check_relations(relations: object, media: list[V1Media], known: Collection[str], where: str) -> None:
    ends = [
        (end, f"{where}: relations.{name}[{index}]")
        for name, listed in (typed(relations, _Lists | None, f"{where}: relations") or {}).items()
        for index, each in enumerate(listed)
        for end in _ends(each, f"{where}: relations.{name}[{index}]")
    ]
    for each in media:
        for pair, place in each.pairs:
            if pair.annotation["tool"] == "relation" and pair.item is not None:
                ends.extend((end, place) for end in _ends(pair.item, place))
    _check_ends(ends, known)


def _ends(relation: Json, where: str) -> tuple[str, str]:
    found = typed(relation, _Relation, where)
    return found.annotationId, found.targetAnnotationId


def _check_ends(ends: list[tuple[str, str]], known: Collection[str]) -> None:
    for end, place in ends:
        if end not in known:
            raise wrong(place, f"{short(end)} is no annotation of this document")


def _is_media(value: object) -> bool:
    """Tells whether a value looks like a list of media, so that nobody overlooks what is annotated on them."""
    return isinstance(value, list) and any(isinstance(each, dict) and each.keys() & {*ALL_TOOLS} for each in value)


def _v2_media(kind: str, media: Json, where: str) -> V2Media:
    tools: dict[str, list[Json]] = {}
    seen: set[str] = set()
    for tool, listed in media.items():
        if tool not in (*ALL_TOOLS, "group"):
            if isinstance(listed, list) and any(isinstance(each, dict) and "data" in each for each in listed):
                raise wrong(f"{where}.{tool}", f"unknown tool; expected one of {', '.join(ALL_TOOLS)}, or group")
            continue
        tools[tool] = typed(listed, list[Json], f"{where}.{tool}")
        for index, annotation in enumerate(tools[tool]):
            identity = check_v2(annotation, f"{where}.{tool}[{index}]")["id"]
            if identity in seen:
                raise wrong(f"{where}.{tool}[{index}].id", f"{short(identity)} stands there twice in this media")
            seen.add(identity)
    return V2Media(kind, tools, where)


def _check_named(media: list[V2Media], named: Iterable[str]) -> None:
    every = [annotation for each in media for listed in each.tools.values() for annotation in listed]
    known = {*named, *(each["id"] for each in every), *(each["group_id"] for each in every if "group_id" in each)}
    ends: list[tuple[str, str]] = []
    for each in media:
        for index, annotation in enumerate(each.tools.get("relation", ())):
            place = f"{each.where}.relation[{index}]"
            ends.extend((end, place) for end in typed(annotation["data"], tuple[Name, Name], f"{place}.data"))
        for index, annotation in enumerate(each.tools.get("group", ())):
            place = f"{each.where}.group[{index}]"
            ends.extend((end, place) for end in typed(annotation["data"], list[Name], f"{place}.data"))
    _check_ends(ends, known)
