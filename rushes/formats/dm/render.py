"""From an item of a dataset to a DM document."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Literal, NamedTuple

from rushes.formats.dataset import CARRIED, Labelled
from rushes.formats.dm.carry import carried_by, kind_of
from rushes.formats.dm.documents import MEDIA_TYPES, REMAINS, V1_KEYS, read_v1
from rushes.formats.dm.entries import units_of, written
from rushes.formats.dm.labels import Names, Unit
from rushes.formats.dm.pairs import ALL_TOOLS
from rushes.formats.dm.remains import merged_entry
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.tools import Json
from rushes.formats.dm.v1 import migrate_v1_to_v2, plain_v2
from rushes.formats.dm.v2 import migrate_v2_to_v1
from rushes.formats.dm.values import checked, same
from rushes.formats.dm.view import ATTRIBUTES, View, view_of
from rushes.formats.dm.whole import labels_with
from rushes.labels import Annotation

__all__ = ["Version", "render"]

Version = Literal["v1", "v2"]

_EMPTY: Json = {"annotations": {}, "annotationsData": {}}
_Units = Mapping[tuple[str, object], Sequence[Annotation]]


class _Base(NamedTuple):
    """The document that an item came from, and which of its media it is; an empty one, where it came from elsewhere."""

    view: View
    media: str
    carried: bool


class _Media(NamedTuple):
    """One media as it will be.

    Attributes:
        tools: Its annotations by tool, and its groups as V2 has them.
        gone: Ids of what was there, and is not, or is written anew.
        fresh: Groups that were written anew.
    """

    tools: dict[str, list[Json]]
    gone: set[str]
    fresh: list[Json]


def render(item: Labelled, version: Version, names: Names | None = None) -> tuple[Json, Counter[str]]:
    """Returns the document of an item, and what DM cannot say of it, counted by reason code.

    Args:
        item: The item.
        version: Of the document.
        names: Names of the keypoints of each class; those without are counted from 1.
    """
    reasons: Counter[str] = Counter()
    names, base = names or {}, _base(item)
    size = Size(item.width, item.height) if item.width and item.height else base.view.size(base.media)
    before = base.view.said(base.media, base.view.size(base.media) or size, names).units
    labels = labels_with(item.label, item.annotations, before)
    if _is_said(item, labels, size, base, before):
        return (base.view.v1 if version == "v1" else migrate_v1_to_v2(base.view.v1, item.id)), reasons
    now = units_of(labels)
    media = _media(item, base, _by_key(before), now, size, names, reasons)
    return _document(item, base, media, size, version), +reasons


def _base(item: Labelled) -> _Base:
    carried, kind = carried_by(item.attributes), kind_of(item.path)
    if carried is None:
        return _Base(view_of(_EMPTY, item.id), f"{kind}_1", carried=False)
    view = view_of(checked(carried.document, item.id), item.id)
    fresh = next(name for number in count(1) if (name := f"{kind}_{number}") not in view.media)
    return _Base(view, carried.media or fresh, carried=True)


def _is_said(
    item: Labelled, labels: tuple[Annotation, ...], size: Size | None, base: _Base, before: list[Unit]
) -> bool:
    """Tells whether the document says already what the item says."""
    said = tuple(label for unit in before for label in unit.labels)
    attributes = {name: value for name, value in item.attributes.items() if name != CARRIED}
    return (
        base.carried
        and (base.media in base.view.media or not labels)
        and said == labels
        and base.view.attributes(base.media) == attributes
        and base.view.size(base.media) in (None, size)
    )


def _by_key(units: list[Unit]) -> dict[tuple[str, object], Unit]:
    return {next(iter(units_of(unit.labels))): unit for unit in units}


def _media(
    item: Labelled,
    base: _Base,
    before: Mapping[tuple[str, object], Unit],
    now: _Units,
    size: Size | None,
    names: Names,
    reasons: Counter[str],
) -> _Media:
    old: dict[str, list[Json]] = {
        tool: listed for tool, listed in base.view.media.get(base.media, {}).items() if tool in (*ALL_TOOLS, "group")
    }
    by_id = {(tool, entry["id"]): entry for tool, listed in old.items() for entry in listed}
    spoken = {identity for unit in before.values() for identity in unit.ids}
    kept = {identity for _, identity in by_id} - spoken
    same_units = {key for key, unit in before.items() if tuple(now.get(key, ())) == unit.labels}
    kept |= {identity for key in same_units for identity in before[key].ids}
    fresh = [
        entry
        for unit, identity in _named(item, [unit for key, unit in now.items() if key not in same_units], kept)
        for entry in written(unit, identity, size, names, reasons)
    ]
    tools = {tool: [entry for entry in listed if entry["id"] in kept] for tool, listed in old.items()}
    for tool, entry in fresh:
        raw = by_id.get((tool, entry["id"]))
        tools.setdefault(tool, []).append(merged_entry(raw, entry) if raw else entry)
    _cut_loose(tools, base, kept, reasons)
    return _Media(tools, spoken - kept, [entry for tool, entry in fresh if tool == "group"])


def _named(
    item: Labelled, units: list[Sequence[Annotation]], kept: set[str]
) -> Iterator[tuple[Sequence[Annotation], str]]:
    """Yields units with the id of the first annotation: the label's own where nobody else has it."""
    taken = set(kept)
    own = {unit[0].id for unit in units}
    for index, unit in enumerate(units):
        identity, turn = unit[0].id or "", 0
        while not identity or identity in taken or (turn and identity in own):
            identity = hashlib.sha256(f"{item.id}/{index}/{turn}".encode()).hexdigest()[:10]
            turn += 1
        taken.add(identity)
        yield unit, identity


def _cut_loose(tools: dict[str, list[Json]], base: _Base, kept: set[str], reasons: Counter[str]) -> None:
    """Takes away what leads to annotations that are not there any more."""
    others = [media for name, media in base.view.media.items() if name != base.media]
    known = {
        entry["id"] for media in [tools, *others] for tool in (*ALL_TOOLS, "group") for entry in media.get(tool, ())
    }
    known |= base.view.groups(base.media).keys()
    for entry in tools.get("relation", ()):
        reasons["relation_unsupported"] += not set(entry["data"]) <= known and entry["id"] not in kept
    if "relation" in tools:
        tools["relation"] = [entry for entry in tools["relation"] if set(entry["data"]) <= known]
    if "group" in tools:
        ends = [(entry, [end for end in entry["data"] if end in known]) for entry in tools["group"]]
        tools["group"] = [entry | {"data": data} for entry, data in ends]


def _document(item: Labelled, base: _Base, media: _Media, size: Size | None, version: Version) -> Json:
    """Returns the document of a media as it will be, and of the others as they were."""
    meta = _meta(item, base, media, size)
    data = _data(base, media.tools)
    fresh = {group["id"] for group in media.fresh} if version == "v1" else set()
    plain = _data(base, _without(media.tools, fresh))
    v1 = migrate_v2_to_v1({"annotation_data": plain, "annotation_meta": meta}, item.id)
    v1.pop(REMAINS, None)
    if version == "v2":
        return {"annotation_data": data, "annotation_meta": v1}
    if same(plain_v2(v1, read_v1(v1, item.id))["annotation_data"], plain):
        return v1
    return migrate_v2_to_v1({"annotation_data": plain, "annotation_meta": v1}, item.id)


def _without(tools: dict[str, list[Json]], groups: set[str]) -> dict[str, list[Json]]:
    kept = [group for group in tools.get("group", ()) if group["id"] not in groups]
    rest = {tool: listed for tool, listed in tools.items() if tool != "group"}
    return rest | {"group": kept} if kept else rest


def _meta(item: Labelled, base: _Base, media: _Media, size: Size | None) -> Json:
    """Returns the V1 that the document was, with the groups, links and sizes that it will have."""
    meta = V1_KEYS | {key: value for key, value in base.view.v1.items() if key != REMAINS}
    extra, name = dict(meta["extra"] or {}), base.media
    mine = dict(extra.get(name) or {})
    if base.view.attributes(name):
        del mine[ATTRIBUTES]
    mine |= {"width": size.width, "height": size.height} if size else {}
    attributes = {key: value for key, value in item.attributes.items() if key != CARRIED}
    mine |= {ATTRIBUTES: attributes} if attributes else {}
    meta["extra"] = extra | {name: mine} if mine else extra
    if meta["relations"]:
        listed = meta["relations"].get(name, [])
        meta["relations"] = meta["relations"] | {name: [each for each in listed if each.get("id") not in media.gone]}
    groups = (meta["annotationGroups"] or {}).get(name) or []
    groups = [group for group in groups if group["id"] not in media.gone] + list(map(_v1_group, media.fresh))
    if groups or name in (meta["annotationGroups"] or {}):
        meta["annotationGroups"] = (meta["annotationGroups"] or {}) | {name: groups}
    return meta


def _v1_group(group: Json) -> Json:
    said = {"class": group["classification"]} | {attr["name"]: attr["value"] for attr in group["attrs"]}
    return {"id": group["id"], "tool": "annotationGroup", "classification": said, "annotationIds": group["data"]}


def _data(base: _Base, tools: dict[str, list[Json]]) -> Json:
    """Returns annotation_data with these annotations of one media."""
    before = base.view.v2.get("annotation_data", base.view.v2)
    plural = MEDIA_TYPES[base.media.rpartition("_")[0]]
    mine = {key: value for key, value in base.view.media.get(base.media, {}).items() if key not in tools} | tools
    names = [name for name in base.view.media if MEDIA_TYPES[name.rpartition("_")[0]] == plural]
    listed = [mine if name == base.media else base.view.media[name] for name in names]
    found = dict(before) | {plural: listed if base.media in names else [*listed, mine]}
    return found | {"classification": _classes(found)}


def _classes(data: Json) -> dict[str, list[str]]:
    found: dict[str, set[Any]] = {}
    for plural in MEDIA_TYPES.values():
        for media in data.get(plural) or ():
            for tool in media.keys() & {*ALL_TOOLS}:
                found.setdefault(tool, set()).update(entry.get("classification") or "" for entry in media[tool])
    return {tool: sorted(found[tool] - {""}) for tool in sorted(found) if found[tool] - {""}}
