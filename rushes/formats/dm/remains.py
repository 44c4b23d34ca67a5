"""What a V2 document says and V1 has no words for, carried in V1 under `_rushes`.

It is an outline of the V2: in place of each annotation that V1 says completely stands its id. Whoever changes the V1 in
between changes the V2 that comes of it, and loses none of the rest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from rushes.errors import AnnotationError
from rushes.formats.dm.documents import MEDIA_TYPES, REMAINS, V1Media
from rushes.formats.dm.pairs import ALL_TOOLS, check_v2, to_v1, to_v2
from rushes.formats.dm.tools import Json
from rushes.formats.dm.values import same, typed
from rushes.jsonl import encode

__all__ = ["Remains", "merged_entry", "parts", "read_remains", "remains_of", "restored"]

_SAID = frozenset(
    ["id", "classification", "attrs", "data", "group_id", "visibility", "encoding", "isCompressed", "compressionFormat"]
)


class Remains(Struct, omit_defaults=True):
    """What V1 carries of a V2.

    Attributes:
        of: SHA-256 of the V1, without this.
        form: Whether the V2 had `annotation_data` and perhaps `annotation_meta`, or was a bare `annotation_data`.
        data: Outline of annotation_data; each media is a pair of its id in V1 and its tools.
        meta: annotation_meta, unless it is what V1 makes of it, or there was none.
        metaless: Whether there was none.
        rest: Other keys of the V2.
    """

    of: str
    data: dict[str, Any]
    form: Literal["whole", "bare"] = "whole"
    meta: Any = UNSET
    metaless: bool = False
    rest: dict[str, Any] | UnsetType = UNSET

    def groups(self) -> Iterator[str]:
        """Yields the ids of V2's groups."""
        for plural in MEDIA_TYPES.values():
            for _, tools in self.data.get(plural) or ():
                yield from (group["id"] for group in tools.get("group", ()))


def parts(document: Json) -> tuple[Json, Any, Literal["whole", "bare"]]:
    """Returns annotation_data, annotation_meta (None where there is none) and form of a V2 document."""
    if "annotation_data" in document:
        return document["annotation_data"], document.get("annotation_meta"), "whole"
    return document, None, "bare"


def read_remains(value: object, where: str) -> Remains | None:
    """Returns what a V1 document carries under `_rushes`.

    Raises:
        AnnotationError: Somebody else's key of that name, or a broken one.
    """
    if value is None:
        return None
    found: Remains = typed(value, Remains, f"{where}: {REMAINS}")
    for plural in MEDIA_TYPES.values():
        place = f"{where}: {REMAINS}.data.{plural}"
        listed = typed(found.data.get(plural), list[tuple[str, Json]] | None, place)
        for index, (_, tools) in enumerate(listed or ()):
            _check_tools(tools, f"{place}[{index}]")
    (
        typed(found.data.get("classification"), dict[str, list[str]] | None, f"{where}: {REMAINS}.data.classification")
        or {}
    )
    return found


def remains_of(document: Json, v1: Json, plain: Json, names: Iterable[str], media: Iterable[V1Media]) -> Json:
    """Returns what V1 has to carry of a V2.

    Args:
        document: The V2.
        v1: What became of it.
        plain: The V2 that comes of this.
        names: Id in V1 of each media of the V2, in the order of `read_v2`.
        media: The media of `v1`.
    """
    data, meta, form = parts(document)
    known, ids = _by_media(plain, media), iter(names)
    outline = dict(data)
    for plural in MEDIA_TYPES.values():
        if data.get(plural):
            # The names come second: zip asks the first for one more than there are.
            named = list(zip(data[plural], ids, strict=False))
            outline[plural] = [[name, _outline(tools, known[name])] for tools, name in named]
    found = Remains(_digest(v1), outline, form)
    if form == "whole":
        found.metaless = "annotation_meta" not in document
        found.meta = UNSET if found.metaless or same(meta, plain["annotation_meta"]) else meta
        rest = {key: value for key, value in document.items() if key not in ("annotation_data", "annotation_meta")}
        found.rest = rest or UNSET
    carried: Json = msgspec.to_builtins(found)
    return carried


def restored(remains: Remains, plain: Json, v1: Json, media: Iterable[V1Media]) -> Json:
    """Returns the V2 that a V1 came from, as far as the V1 still says the same.

    Args:
        remains: What the V1 carries of it.
        plain: The V2 that the V1 is by itself.
        v1: The V1, without what it carries.
        media: Its media.
    """
    unchanged = remains.of == _digest(v1)
    data = _data(remains.data, plain["annotation_data"], _by_media(plain, media), unchanged)
    if remains.form == "bare":
        return data
    found: Json = {"annotation_data": data}
    if not remains.metaless:
        kept = unchanged and remains.meta is not UNSET
        found["annotation_meta"] = remains.meta if kept else plain["annotation_meta"]
    return found | (remains.rest if isinstance(remains.rest, dict) else {})


def _digest(v1: Json) -> str:
    return hashlib.sha256(encode({key: value for key, value in v1.items() if key != REMAINS})).hexdigest()


def _by_media(plain: Json, media: Iterable[V1Media]) -> dict[str, Json]:
    lists = {kind: iter(plain["annotation_data"].get(plural, ())) for kind, plural in MEDIA_TYPES.items()}
    return {each.id: next(lists[each.id.rpartition("_")[0]]) for each in media}


def _outline(tools: Json, plain: Json) -> Json:
    found = dict(tools)
    for tool in tools.keys() & {*ALL_TOOLS}:
        known = {each["id"]: each for each in plain.get(tool, ())}
        found[tool] = [each["id"] if _is_said(each, known.get(each["id"])) else each for each in tools[tool]]
    return found


def _is_said(annotation: Json, plain: Json | None) -> bool:
    """Tells whether V1 says all of a V2 annotation, even after somebody sorted the keys of its classification."""
    names = [attr["name"] for attr in annotation.get("attrs") or () if attr["name"] not in ("rotation", "_coordinates")]
    return names == sorted(names) and same(annotation, plain)


def _check_tools(tools: Json, where: str) -> None:
    for tool in tools.keys() & {*ALL_TOOLS}:
        for index, entry in enumerate(typed(tools[tool], list[str | Json], f"{where}.{tool}")):
            if isinstance(entry, dict):
                check_v2(entry, f"{where}.{tool}[{index}]")
    for index, group in enumerate(typed(tools.get("group"), list[Json] | None, f"{where}.group") or []):
        typed(check_v2(group, f"{where}.group[{index}]")["data"], list[str], f"{where}.group[{index}].data")


def _data(outline: Json, plain: Json, media: dict[str, Json], unchanged: bool) -> Json:
    found = dict(outline)
    for kind, plural in MEDIA_TYPES.items():
        outlined = {name: tools for name, tools in outline.get(plural) or () if name in media}
        listed = [_tools(tools, media[name], unchanged) for name, tools in outlined.items()]
        listed += [tools for name, tools in media.items() if name.startswith(f"{kind}_") and name not in outlined]
        if listed:
            found[plural] = listed
    if not unchanged:
        found["classification"] = _classes(outline.get("classification") or {}, plain["classification"])
    return found


def _tools(outline: Json, plain: Json, unchanged: bool) -> Json:
    found = dict(outline)
    for tool in outline.keys() & {*ALL_TOOLS}:
        left = {each["id"]: each for each in plain.get(tool, ())}
        listed = [_entry(tool, entry, left, unchanged) for entry in outline[tool]]
        found[tool] = [each for each in listed if each is not None] + list(left.values())
    if not unchanged and "group" in outline:
        known = {each["id"] for listed in plain.values() for each in listed}
        found["group"] = [each | {"data": [end for end in each["data"] if end in known]} for each in outline["group"]]
    return plain | found


def _entry(tool: str, entry: str | Json, left: dict[str, Json], unchanged: bool) -> Json | None:
    plain = left.pop(entry if isinstance(entry, str) else entry["id"], None)
    if plain is None or isinstance(entry, str):
        return plain
    return entry if unchanged or _says_the_same(tool, entry, plain) else merged_entry(entry, plain)


def _says_the_same(tool: str, entry: Json, plain: Json) -> bool:
    """Tells whether V1 still says of an annotation what it said when it came from V2."""
    try:
        said = to_v2(to_v1(tool, entry, None, ""), None, "")
    except AnnotationError:
        return False
    return entry.get("group_id") == plain.get("group_id") and same(said, _without_group(plain))


def merged_entry(entry: Json, plain: Json) -> Json:
    """Returns an annotation that changed in V1, with what V1 could not say of it before."""
    names = {attr["name"] for attr in plain["attrs"]}
    hidden = [attr for attr in entry.get("attrs") or () if attr["name"].startswith("_") and attr["name"] not in names]
    kept = {key: value for key, value in entry.items() if key not in _SAID}
    return kept | plain | {"attrs": plain["attrs"] + [attr for attr in hidden if attr["name"] != "_coordinates"]}


def _without_group(annotation: Json) -> Json:
    return {key: value for key, value in annotation.items() if key != "group_id"}


def _classes(before: dict[str, list[str]], now: dict[str, list[str]]) -> dict[str, list[str]]:
    return {tool: list(dict.fromkeys([*before.get(tool, ()), *now.get(tool, ())])) for tool in [*before, *now]}
