"""From DM's V2 to the model of labels.

An annotation is a label, and an annotation with places by frame one for each of them, with the annotation's id as their
track. Keypoints of one group, each with a name of its own, are one label, together with the one box or outline that is
in the group. What the model has no words for is left where it is, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from rushes.formats.dm.pixels import mask_of
from rushes.formats.dm.segmentation import RAW, RLE, Size
from rushes.formats.dm.tools import TOOLS, Json
from rushes.formats.dm.values import Number, Whole, fits, wrong
from rushes.labels import Annotation

__all__ = [
    "FLAGS",
    "FRAME",
    "NAMELESS",
    "TIME",
    "TRACK",
    "Group",
    "Names",
    "Said",
    "Unit",
    "is_class",
    "labels_of",
    "point_names",
]

FLAGS = ("crowd", "difficult", "truncated", "occluded")
TRACK, FRAME, TIME = "track_id", "frame", "time_s"
"""Attrs that the model has fields for."""
NAMELESS = "relation"
"""What a relation is called that nobody named."""

_PERSON = frozenset(
    ["nose"]
    + [f"{side}_{part}" for side in ("left", "right") for part in ("eye", "ear", "shoulder", "elbow")]
    + [f"{side}_{part}" for side in ("left", "right") for part in ("wrist", "hip", "knee", "ankle")]
)
_AREAS = ("polygon", "segmentation", "bounding_box")
_UNSAID = {
    "3d_bounding_box": "solid_unsupported",
    "3d_segmentation": "solid_unsupported",
    "prompt": "prompt_unsupported",
    "answer": "prompt_unsupported",
    "time_range": "section_unsupported",
}
Names = Mapping[str, Sequence[str]]
"""Names of the keypoints of each class, in their order."""


class Group(NamedTuple):
    """A group of annotations.

    Attributes:
        label: Its class; empty where it has none.
        attributes: Its attributes.
        members: Ids of its annotations.
    """

    label: str = ""
    attributes: Mapping[str, Any] = {}
    members: Sequence[str] = ()


class Unit(NamedTuple):
    """Labels that stand and fall together, and the ids of the annotations, or groups, that they are made of."""

    labels: tuple[Annotation, ...]
    ids: tuple[str, ...]


class Said(NamedTuple):
    """What the annotations of one media say.

    Attributes:
        units: In their order.
        unsaid: Annotations and groups that the model has no words for, counted by reason code.
    """

    units: list[Unit]
    unsaid: Counter[str]


def labels_of(
    tools: Mapping[str, list[Json]], groups: Mapping[str, Group], size: Size | None, names: Names, where: str
) -> Said:
    """Returns the labels of one media of V2.

    Args:
        tools: Its annotations by tool.
        groups: Its groups by id.
        size: Of the image; None for what has no pixels.
        names: Names of the keypoints of each class.
        where: For messages.

    Raises:
        AnnotationError: Pixels are not in the image, or its size is not known.
    """
    unsaid: Counter[str] = Counter()
    units: list[Unit] = []
    joined: set[str] = set()
    for identity, points, area in _skeletons(tools, groups):
        unit = _skeleton(identity, points, area, groups.get(identity, Group()), names, size, where)
        if unit is not None:
            units.append(unit)
            joined.update(unit.ids)
    for tool in (*_AREAS, *(tool for tool in TOOLS if tool not in _AREAS)):
        for index, entry in enumerate(tools.get(tool, ())):
            if entry["id"] in joined:
                continue
            found = _label(tool, entry, size, f"{where}.{tool}[{index}]")
            if isinstance(found, str):
                unsaid[found] += 1
            else:
                units.append(Unit(tuple(_over_time(tool, entry, found)), (entry["id"],)))
    unsaid["group_unsupported"] += len(groups.keys() - joined)
    return Said(units, +unsaid)


def point_names(tools: Mapping[str, list[Json]], groups: Mapping[str, Group]) -> Iterator[tuple[str, list[str]]]:
    """Yields the class and the names of each skeleton of a media."""
    for identity, points, area in _skeletons(tools, groups):
        if _are_named(points):
            yield _class(points, area, groups.get(identity, Group())), [point["classification"] for point in points]


def _skeletons(
    tools: Mapping[str, list[Json]], groups: Mapping[str, Group]
) -> Iterator[tuple[str, list[Json], tuple[str, Json] | None]]:
    """Yields the id, the keypoints and the only box or outline of each group that has keypoints."""
    points: dict[str, list[Json]] = {}
    for point in tools.get("keypoint", ()):
        if isinstance(point.get("group_id"), str):
            points.setdefault(point["group_id"], []).append(point)
    areas = {entry["id"]: (tool, entry) for tool in _AREAS for entry in tools.get(tool, ())}
    for identity, listed in points.items():
        members = groups.get(identity, Group()).members
        there = [areas[member] for member in members if member in areas]
        yield identity, listed, there[0] if len(there) == 1 else None


def _are_named(points: Iterable[Json]) -> bool:
    names = [point.get("classification") for point in points]
    return all(names) and len(set(names)) == len(names)


def _class(points: Iterable[Json], area: tuple[str, Json] | None, group: Group) -> str:
    said = group.label or (area[1].get("classification") if area else "") or ""
    if said:
        return said
    return "person" if {point.get("classification") for point in points} <= _PERSON else "object"


def _skeleton(
    identity: str,
    points: list[Json],
    area: tuple[str, Json] | None,
    group: Group,
    names: Names,
    size: Size | None,
    where: str,
) -> Unit | None:
    label = _class(points, area, group)
    if not _are_named(points) or not is_class(label) or any(_frames(point) for point in points):
        return None
    ids = (identity, *(point["id"] for point in points))
    by_name = {point["classification"]: point for point in points}
    listed = [*names.get(label, ()), *(name for name in by_name if name not in names.get(label, ()))]
    keypoints = tuple(_point(by_name[name]) if name in by_name else (0.0, 0.0, 0.0) for name in listed)
    if area is not None and (area[1].get("classification") or label) == label and not _frames(area[1]):
        found = _label(area[0], area[1] | {"classification": label}, size, f"{where}.{area[0]}")
        if isinstance(found, Annotation):
            return Unit((replace(found, keypoints=keypoints),), (*ids, area[1]["id"]))
    attributes, fields = _fields(group.attributes)
    return Unit((Annotation(label, keypoints=keypoints, id=identity, attributes=attributes, **fields),), ids)


def _label(tool: str, entry: Json, size: Size | None, where: str) -> Annotation | str:
    """Returns the label of an annotation without its frames, or why there is none."""
    label = entry.get("classification") or (NAMELESS if tool == "relation" else "")
    if tool in _UNSAID:
        return _UNSAID[tool]
    if not is_class(label):
        return "class_missing"
    attrs = {attr["name"]: attr["value"] for attr in entry.get("attrs") or () if attr["name"] != "_coordinates"}
    place = _mask(entry, size, where) if tool == "segmentation" else _PLACES[tool](entry, attrs)
    if isinstance(place, str):
        return place
    attributes, fields = _fields(attrs)
    return Annotation(label, id=entry["id"], attributes=attributes, **fields, **place)


def is_class(name: str) -> bool:
    """Tells whether a text can be the name of a class: something, in one line."""
    return bool(name.strip()) and len(name.splitlines()) == 1


def _fields(attrs: Mapping[str, Any]) -> tuple[Json, Json]:
    """Returns attributes, and those of them that the model has fields for."""
    kinds: dict[str, Any] = {FRAME: Whole, TIME: Number}
    found: Json = {name: True for name in FLAGS if attrs.get(name) is True}
    found |= {name: attrs[name] for name, kind in kinds.items() if name in attrs and fits(attrs[name], kind)}
    if FRAME in found or found.get(TIME, 0) < 0:
        found.pop(TIME, None)
    rest = {name: value for name, value in attrs.items() if name not in found}
    if isinstance(rest.get(TRACK), str) and rest[TRACK]:
        found["track"] = rest.pop(TRACK)
    return rest, found


def _box(entry: Json, attrs: Json) -> Json:
    turned = "rotation" in attrs and fits(attrs["rotation"], Number | None)
    rotation = attrs.pop("rotation") if turned else None
    x, y, width, height = map(float, entry["data"])
    box = (min(x, x + width), min(y, y + height), abs(width), abs(height))
    return {"box": box, "rotation": rotation if rotation is None else float(rotation)}


def _line(key: str, least: int) -> Callable[[Json, Json], Json | str]:
    def line(entry: Json, attrs: Json) -> Json | str:
        points = tuple((float(x), float(y)) for x, y in entry["data"])
        return {key: points} if len(points) >= least else "empty_label"

    return line


def _point(entry: Json) -> tuple[float, float, float]:
    said = entry.get("visibility", 2)
    visibility = said if isinstance(said, int) else ("missing", "occluded", "visible").index(said)
    return float(entry["data"][0]), float(entry["data"][1]), float(visibility)


def _mask(entry: Json, size: Size | None, where: str) -> Json | str:
    if not isinstance(entry["data"], list):
        return "section_unsupported"
    if size is None:
        raise wrong(where, "pixels of an image of unknown size; expected width and height in extra")
    encoding = entry.get("encoding") or (RLE if entry.get("isCompressed") else RAW)
    return {"mask": mask_of(entry["data"], encoding, size, f"{where}.data")}


def _entity(entry: Json, attrs: Json) -> Json | str:
    spans: list[tuple[Any, ...]] = []
    for each in entry["data"]["ranges"]:
        ends = (each.get("start"), each.get("end")) if isinstance(each, dict) else (None, None)
        if not fits(ends, tuple[Whole, Whole]) or ends[0] > ends[1]:  # type: ignore[operator]
            return "text_unsupported"
        spans.append((*ends, "" if spans else entry["data"].get("content") or ""))
    return {"spans": tuple(spans)} if spans else "empty_label"


_PLACES: dict[str, Callable[[Json, Json], Json | str]] = {
    "bounding_box": _box,
    "polygon": _line("polygon", 3),
    "polyline": _line("polyline", 2),
    "keypoint": lambda entry, attrs: {"keypoints": (_point(entry),)},
    "classification": lambda entry, attrs: {},
    "relation": lambda entry, attrs: {"relation": tuple(entry["data"])},
    "named_entity": _entity,
}


def _frames(entry: Json) -> Json:
    found = next((attr["value"] for attr in entry.get("attrs") or () if attr["name"] == "_coordinates"), None)
    return found if isinstance(found, dict) else {}


def _over_time(tool: str, entry: Json, label: Annotation) -> Iterator[Annotation]:
    """Yields the label of an annotation, or one for each frame in which it has a place."""
    frames = _frames(entry)
    if tool not in TOOLS or not TOOLS[tool].placed or not frames or not fits(frames, TOOLS[tool].frames):
        yield label
        return
    track = label.track or entry["id"]
    for number, frame in enumerate(sorted(frames, key=int)):
        attrs = {"rotation": frames[frame].get("rotation")} if tool == "bounding_box" else {}
        place = _PLACES[tool](entry | {"data": TOOLS[tool].to_v2(frames[frame])}, attrs)
        if isinstance(place, dict):
            identity = None if number else entry["id"]
            yield replace(label, **place, frame=int(frame), time_s=None, track=track, id=identity)
