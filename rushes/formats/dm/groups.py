"""Groups of DM's V1, in both of its shapes, and the `group_id` of V2's keypoints.

{"id": "g", "annotationIds": ["a", "b"]}
{"id": "g", "tool": "annotationGroup", "classification": …, "annotationList": [{"annotationId": "a", "children": […]}]}
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from msgspec import Struct

from rushes.formats.dm.tools import Json, Name
from rushes.formats.dm.values import short, typed, wrong

__all__ = ["groups_of", "members", "regrouped"]


class _Group(Struct):
    id: Name
    annotationIds: list[Name] | None = None  # noqa: N815 - the format's own names
    annotationList: list[Json] | None = None  # noqa: N815


class _Member(Struct):
    annotationId: Name  # noqa: N815
    children: list[Json] | None = None


def groups_of(groups: object, known: Collection[str], where: str) -> dict[str, str]:
    """Returns the group of each annotation that is in one.

    Args:
        groups: Of one media, in any of the shapes, or null.
        known: Ids of its annotations.
        where: For messages.

    Raises:
        AnnotationError: They are no groups, have a member that is not in the media, or one that is in two groups.
    """
    found: dict[str, str] = {}
    seen: set[str] = set()
    for index, group in enumerate(typed(groups, list[Json] | None, where) or []):
        place = f"{where}[{index}]"
        identity = typed(group, _Group, place).id
        if identity in seen:
            raise wrong(f"{place}.id", f"{short(identity)} stands there twice; expected one group of this id")
        seen.add(identity)
        for member in members(group, place):
            if member not in known:
                raise wrong(place, f"member {short(member)} is no annotation of this media")
            if member in found:
                raise wrong(
                    place,
                    f"member {short(member)} is in group {short(found[member])} already; expected it in one, once",
                )
            found[member] = identity
    return found


def members(group: Json, where: str) -> Iterator[str]:
    """Yields the ids of a group's members, those of a tree from its root.

    Raises:
        AnnotationError: They are none.
    """
    found = typed(group, _Group, where)
    yield from found.annotationIds or ()
    waiting = [(f"{where}.annotationList", found.annotationList or [])]
    while waiting:
        place, listed = waiting.pop(0)
        for index, entry in enumerate(listed):
            member = typed(entry, _Member, f"{place}[{index}]")
            yield member.annotationId
            waiting.append((f"{place}[{index}].children", member.children or []))


def regrouped(groups: list[Json], known: Collection[str], keypoints: Mapping[str, str | None]) -> list[Json]:
    """Returns groups as V2's keypoints have them; all else of a group stays as it was.

    Args:
        groups: As they were, without errors.
        known: Ids of the annotations that are there; others leave their groups.
        keypoints: The group of each keypoint.
    """
    kept = [_without(group, known, keypoints) for group in groups]
    placed = {member: group["id"] for group in kept for member in members(group, "")}
    by_id = {group["id"]: group for group in kept}
    for keypoint, identity in keypoints.items():
        if identity is None or placed.get(keypoint) == identity:
            continue
        _join(by_id.setdefault(identity, {"id": identity}), keypoint)
    return list(by_id.values())


def _join(group: Json, member: str) -> None:
    if group.get("annotationList") is not None:
        group["annotationList"].append({"annotationId": member, "children": []})
    else:
        group["annotationIds"] = [*(group.get("annotationIds") or ()), member]


def _without(group: Json, known: Collection[str], keypoints: Mapping[str, str | None]) -> Json:
    def stays(member: str) -> bool:
        return member in known and keypoints.get(member, group["id"]) == group["id"]

    found: dict[str, Any] = dict(group)
    if group.get("annotationIds") is not None:
        found["annotationIds"] = [member for member in group["annotationIds"] if stays(member)]
    if group.get("annotationList") is not None:
        found["annotationList"] = _pruned(group["annotationList"], stays)
    return found


def _pruned(tree: list[Json], stays: Any) -> list[Json]:
    # The children of one that leaves take its place.
    found: list[Json] = []
    for entry in tree:
        children = {"children": _pruned(entry["children"], stays)} if entry.get("children") else {}
        found.extend([entry | children] if stays(entry["annotationId"]) else children.get("children", []))
    return found
