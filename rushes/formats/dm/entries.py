"""From the model of labels to DM's V2.

A label becomes the one annotation that says most exactly where it is: its outline, its pixels, its box, its line. With
keypoints it is a group as well, of one annotation for each of them. Labels of one track become one annotation with
places by frame.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rushes.formats.dm.labels import FLAGS, FRAME, TIME, TRACK, Names
from rushes.formats.dm.pixels import runs_of
from rushes.formats.dm.segmentation import RLE, Size
from rushes.formats.dm.tools import TOOLS, Json
from rushes.formats.geometry import bounds
from rushes.formats.masks import from_outlines
from rushes.formats.placing import is_placed, outlines
from rushes.labels import Annotation

__all__ = ["units_of", "written"]

_NEAR = 1.0
"""Pixels by which a box may differ from the one around its outline, and say no more than that."""


def units_of(labels: Iterable[Annotation]) -> dict[tuple[str, object], tuple[Annotation, ...]]:
    """Returns labels that stand and fall together: those of one track over frames, and each other one by itself."""
    found: dict[tuple[str, object], list[Annotation]] = {}
    for index, label in enumerate(labels):
        if label.frame is not None and label.track is not None and _placed_tool(label) is not None:
            key: tuple[str, object] = ("track", (label.track, label.label, _placed_tool(label)))
        else:
            key = ("id", label.id) if label.id and ("id", label.id) not in found else ("index", index)
        found.setdefault(key, []).append(label)
    return {key: tuple(listed) for key, listed in found.items()}


def written(
    unit: Sequence[Annotation], identity: str, size: Size | None, names: Names, reasons: Counter[str]
) -> list[tuple[str, Json]]:
    """Returns the annotations of a unit of labels, with their tools; `group` among them.

    Args:
        unit: As `units_of` has them.
        identity: Id of the first annotation.
        size: Of the image.
        names: Names of the keypoints of each class.
        reasons: Counts what DM cannot say.
    """
    label = unit[0]
    tool = _placed_tool(label)
    if label.frame is not None and tool is not None:
        return [(tool, _tracked(unit, tool, identity))]
    found: list[tuple[str, Json]] = []
    place = _place(label, size, reasons)
    if place is not None:
        found.append((place[0], _entry(label, identity, place[1], turned=place[0] == "bounding_box")))
    if label.relation is not None or label.spans is not None:
        reasons["place_unsupported"] += is_placed(label)
        reasons["text_unsupported"] += label.relation is not None and label.spans is not None
    elif label.keypoints:
        found += _points(label, identity, alone=place is None, names=names)
    return found or [("classification", _entry(label, identity, {"data": {}}))]


def _placed_tool(label: Annotation) -> str | None:
    """Returns the tool of a label that has one place, of a kind that can change over a video."""
    tools = {
        "bounding_box": label.box,
        "polygon": label.polygon,
        "polyline": label.polyline,
        "keypoint": label.keypoints if len(label.keypoints or ()) == 1 else None,
    }
    others = (label.parts, label.mask, label.relation, label.spans, len(label.keypoints or ()) > 1)
    there = [tool for tool, place in tools.items() if place]
    return there[0] if len(there) == 1 and not any(others) else None


def _tracked(unit: Sequence[Annotation], tool: str, identity: str) -> Json:
    frames = {str(label.frame): _coordinate(label, tool) for label in unit}
    first = min(unit, key=lambda label: label.frame or 0)
    found = _entry(first, identity, {"data": TOOLS[tool].to_v2(frames[str(first.frame)])}, timed=False)
    if first.track not in (None, identity):
        found["attrs"].append({"name": TRACK, "value": first.track})
    found["attrs"].append({"name": "_coordinates", "value": frames})
    if tool == "keypoint":
        found["visibility"] = int((first.keypoints or ((0, 0, 2),))[0][2])
    return found


def _coordinate(label: Annotation, tool: str) -> Any:
    if tool == "bounding_box":
        place = TOOLS[tool].to_v1(list(label.box or ()))
        return place if label.rotation is None else place | {"rotation": label.rotation}
    if tool == "keypoint":
        return TOOLS[tool].to_v1([value for point in label.keypoints or () for value in point[:2]])
    points = TOOLS[tool].to_v1([list(point) for point in label.polygon or label.polyline or ()])
    return [point | {"id": f"{index:010d}"} for index, point in enumerate(points)]


def _place(label: Annotation, size: Size | None, reasons: Counter[str]) -> tuple[str, Json] | None:
    """Returns the tool and the keys that say where a label is, or None; counts what else it says of that."""
    if label.relation is not None:
        return "relation", {"data": list(label.relation)}
    if label.spans is not None:
        words = [text for _, _, text in label.spans]
        reasons["words_joined"] += len(words) > 1 and any(words[1:])
        ranges = [{"start": start, "end": end} for start, end, _ in label.spans]
        return "named_entity", {"data": {"ranges": ranges, "content": " ".join(filter(None, words))}}
    area = _area(label, size, reasons)
    if label.polyline is None:
        return area
    if area is not None:
        reasons["polyline_unsupported"] += 1
        return area
    return "polyline", {"data": [list(point) for point in label.polyline]}


def _area(label: Annotation, size: Size | None, reasons: Counter[str]) -> tuple[str, Json] | None:
    parts = outlines(label)
    mask = label.mask
    if mask is not None and (parts or size is None or mask.size != (size.height, size.width)):
        reasons["mask_beside_outline" if parts else "mask_of_other_size"] += 1
        mask = None
    if len(parts) == 1 and len(parts[0]) == 1:
        _box_beside(label, bounds(parts[0][0]), reasons)
        return "polygon", {"data": [list(point) for point in parts[0][0]]}
    if parts and size is not None:
        reasons["holes_as_mask"] += 1
        mask = from_outlines(parts, size.height, size.width)
    elif parts:
        reasons["outline_unsupported"] += 1
    if mask is not None:
        flags = {"encoding": RLE, "isCompressed": True, "compressionFormat": "rle"}
        return "segmentation", {"data": runs_of(mask), **flags}
    return None if label.box is None else ("bounding_box", {"data": list(label.box)})


def _box_beside(label: Annotation, around: Sequence[float], reasons: Counter[str]) -> None:
    if label.box is None:
        return
    near = all(abs(side - other) <= _NEAR for side, other in zip(label.box, around, strict=True))
    reasons["box_beside_outline"] += bool(label.rotation) or not near


def _entry(label: Annotation, identity: str, place: Json, *, timed: bool = True, turned: bool = False) -> Json:
    attrs: list[Json] = []
    if turned and label.rotation is not None:
        attrs.append({"name": "rotation", "value": label.rotation})
    attrs += [{"name": name, "value": value} for name, value in label.attributes.items()]
    attrs += [{"name": name, "value": True} for name in FLAGS if getattr(label, name)]
    said = {TRACK: label.track, FRAME: label.frame, TIME: label.time_s} if timed else {}
    attrs += [{"name": name, "value": value} for name, value in said.items() if value is not None]
    return {"id": identity, "classification": label.label, "attrs": attrs, **place}


def _points(label: Annotation, identity: str, *, alone: bool, names: Names) -> list[tuple[str, Json]]:
    points = label.keypoints or ()
    known = names.get(label.label, ())
    if alone and len(points) == 1 and not known:
        x, y, visibility = points[0]
        return [("keypoint", _entry(label, identity, {"data": [x, y], "visibility": int(visibility)}))]
    group = identity if alone else _named(identity, "group")
    found: list[tuple[str, Json]] = []
    for index, (x, y, visibility) in enumerate(points):
        name = known[index] if index < len(known) else f"keypoint_{index + 1}"
        said = {"id": _named(identity, name), "classification": name, "attrs": [], "data": [x, y]}
        found.append(("keypoint", said | {"visibility": int(visibility), "group_id": group}))
    members = [entry["id"] for _, entry in found]
    entry = _entry(label, group, {"data": members if alone else [identity, *members]})
    return [*found, ("group", entry if alone else entry | {"attrs": []})]


def _named(identity: str, part: str) -> str:
    return hashlib.sha256(f"{identity}/{part}".encode()).hexdigest()[:10]
