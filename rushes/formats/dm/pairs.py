"""One DM annotation: a pair of V1, its item of `annotations` and its item of `annotationsData`, or one object of V2.

`to_v2` and `to_v1` say of one what the other version has words for; what it has none for is not their matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple

from msgspec import Meta, Struct

from rushes.formats.dm.segmentation import Size, mask_to_v1, mask_to_v2
from rushes.formats.dm.tools import TOOLS, Json, Name, data_to_v1, data_to_v2, frames_of
from rushes.formats.dm.values import Number, fits, short, typed, wrong

__all__ = ["ALL_TOOLS", "DEFAULTS", "Pair", "check_v1", "check_v2", "to_v1", "to_v2"]

ALL_TOOLS = ("segmentation", *TOOLS)
DEFAULTS: Json = {"isLocked": False, "isVisible": True, "isValid": False, "isDrawCompleted": True, "label": []}
"""What V1 says of an annotation of which nobody said anything."""

_VISIBILITY = ("missing", "occluded", "visible")


class Pair(NamedTuple):
    """A V1 annotation, and its item of annotationsData where it has one."""

    annotation: Json
    item: Json | None


class _V1(Struct):
    id: Name
    tool: Name
    classification: Json | None = None


class _Attr(Struct):
    name: str
    value: Any


class _V2(Struct):
    id: Name
    data: Any
    classification: str | None = ""
    attrs: list[_Attr] | None = None
    group_id: Name | None = None


_Visibility = Annotated[int, Meta(ge=0, le=2)] | Literal["missing", "occluded", "visible"]


def check_v1(annotation: object, where: str) -> Json:
    """Returns a V1 annotation whose id, tool and classification are what they should be.

    Raises:
        AnnotationError: They are not.
    """
    found = typed(annotation, _V1, where)
    if found.tool not in ALL_TOOLS:
        raise wrong(
            f"{where}.tool", f"unknown tool {short(found.tool)}; expected one of {', '.join(sorted(ALL_TOOLS))}"
        )
    typed((found.classification or {}).get("class"), str | None, f"{where}.classification.class")
    return annotation  # type: ignore[return-value]


def check_v2(annotation: object, where: str) -> Json:
    """Returns a V2 annotation whose id, classification and attrs are what they should be.

    Raises:
        AnnotationError: They are not.
    """
    typed(annotation, _V2, where)
    return annotation  # type: ignore[return-value]


def to_v2(pair: Pair, size: Size | None, where: str) -> Json:
    """Returns what V2 can say of an annotation.

    Args:
        pair: The annotation, checked.
        size: Of its image, where it is known.
        where: Where its item of annotationsData stands, for messages.

    Raises:
        AnnotationError: The item is not what the tool writes, or there should be one.
    """
    annotation, item = pair
    tool, said = annotation["tool"], annotation.get("classification") or {}
    if item is None and tool != "classification":
        raise wrong(where, f"no item with the id {annotation['id']!r}; expected the data of this {tool}")
    item = item or {}
    found = mask_to_v2(item, size, where) if tool == "segmentation" else {"data": data_to_v2(tool, item, where)}
    named = list(_attrs(tool, said, item, where))
    found = {"id": annotation["id"], "classification": said.get("class") or "", "attrs": named, **found}
    if tool == "keypoint" and "visibility" in said:
        found["visibility"] = _visibility(said["visibility"], where)
    return found


def to_v1(tool: str, annotation: Json, size: Size | None, where: str) -> Pair:
    """Returns what V1 can say of an annotation.

    Args:
        tool: Its tool.
        annotation: The annotation, checked.
        size: Of its image, where it is known.
        where: Where it stands, for messages.

    Raises:
        AnnotationError: Its data is not what the tool writes.
    """
    identity = annotation["id"]
    attrs = {attr["name"]: attr["value"] for attr in annotation.get("attrs") or ()}
    if tool == "segmentation":
        item = {"id": identity} | mask_to_v1(annotation, size, where)
    else:
        item = data_to_v1(tool, identity, annotation["data"], attrs, where)
    if "coordinate" in item and _turns(tool, attrs):
        item["coordinate"]["rotation"] = attrs["rotation"]
    said = _classification(tool, annotation, attrs, where)
    return Pair({"id": identity, "tool": tool, **DEFAULTS, "label": [], "classification": said}, item)


def _attrs(tool: str, said: Json, item: Json, where: str) -> Iterator[Json]:
    place = item.get("coordinate")
    if tool == "bounding_box" and isinstance(place, dict) and "rotation" in place:
        yield {"name": "rotation", "value": place["rotation"]}
    for name, value in said.items():
        if name != "class" and (tool, name) != ("keypoint", "visibility"):
            yield {"name": name, "value": value}
    frames = frames_of(tool, item, where) if tool in TOOLS else {}
    if frames:
        yield {"name": "_coordinates", "value": frames}


def _classification(tool: str, annotation: Json, attrs: Json, where: str) -> Json | None:
    plain = {name: value for name, value in attrs.items() if not name.startswith("_") and name != "class"}
    if _turns(tool, attrs):
        del plain["rotation"]
    if tool == "keypoint":
        plain.pop("visibility", None)
        if annotation.get("visibility") is not None:
            plain["visibility"] = _VISIBILITY[_visibility(annotation["visibility"], where)]
    label = annotation.get("classification", "")
    if label is None:
        return plain or None
    return {"class": label, **plain}


def _turns(tool: str, attrs: Json) -> bool:
    """Tells whether an attr named rotation is the box's, and not a class's word of that name."""
    return tool == "bounding_box" and "rotation" in attrs and fits(attrs["rotation"], Number | None)


def _visibility(value: object, where: str) -> int:
    found = typed(value, _Visibility, f"{where}: visibility")
    return found if isinstance(found, int) else _VISIBILITY.index(found)
