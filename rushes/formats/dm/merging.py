"""What a V1 annotation and its group were, and what V2 says of them now, made into one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rushes.errors import AnnotationError
from rushes.formats.dm.groups import groups_of, members, regrouped
from rushes.formats.dm.pairs import Pair, check_v1, to_v1, to_v2
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.tools import TOOLS, Json
from rushes.formats.dm.values import same

__all__ = ["group_list", "pair_of", "relations_of"]

_DATA_KEYS = frozenset(
    [
        "coordinate",
        "coordinates",
        "pixel_indices",
        "isCompressed",
        "compressionFormat",
        "section",
        "excludedTracks",
        "psr",
        "points",
        "annotationId",
        "targetAnnotationId",
        "ranges",
        "content",
        "input",
        "output",
        "model",
        "displayName",
        "generatedBy",
        "timestamp",
        "promptAnnotationId",
    ]
)
"""Of an item of annotationsData: what V2's data says as well."""


def pair_of(tool: str, annotation: Json, before: Pair | None, size: Size | None, where: str) -> Pair:
    """Returns the V1 of a V2 annotation.

    Args:
        tool: Its tool.
        annotation: The annotation, checked.
        before: What annotation_meta says of it: as it is, where the two say the same, else for all that V2 cannot say.
        size: Of its image, where it is known.
        where: Where it stands, for messages.

    Raises:
        AnnotationError: Its data is not what the tool writes.
    """
    made = to_v1(tool, annotation, size, where)
    if before is None:
        return made
    if _says(before, tool, annotation):
        return before
    return Pair(_annotation(made, before, annotation), _item(tool, made, before, annotation))


def relations_of(relations: dict[str, list[Json]], known: Iterable[str]) -> dict[str, list[Json]]:
    """Returns relations between annotations that are there."""
    there = set(known)
    return {media: [each for each in listed if not _dangles(each, there)] for media, listed in relations.items()}


def _dangles(relation: Json, known: set[str]) -> bool:
    ends = (relation.get("annotationId"), relation.get("targetAnnotationId"))
    return any(isinstance(end, str) and end not in known for end in ends)


def group_list(groups: list[Json] | None, known: Iterable[str], keypoints: Mapping[str, str | None]) -> Any:
    """Returns the groups of one media of V1.

    Args:
        groups: As annotation_meta has them, in any shape.
        known: Ids of the annotations that V2 has.
        keypoints: The group that V2 says of each keypoint. Where it says none of any, it does not speak of groups.
    """
    there = set(known)
    spoken = keypoints if any(keypoints.values()) else {}
    try:
        found = groups_of(groups, there, "")
        if all(found.get(keypoint) == group for keypoint, group in spoken.items()):
            return groups
    except AnnotationError:
        pass
    return regrouped(_sound(groups or []), there, spoken)


def _sound(groups: list[Json]) -> list[Json]:
    try:
        everyone = {member for group in groups for member in members(group, "")}
        groups_of(groups, everyone, "")
    except AnnotationError:
        return []
    return groups


def _says(before: Pair, tool: str, annotation: Json) -> bool:
    """Tells whether V1 says of an annotation what V2 says; of its group that is decided apart."""
    if before.annotation.get("tool") != tool:
        return False
    try:
        check_v1(before.annotation, "")
        said = to_v2(before, None, "")
    except AnnotationError:
        return False
    return same(_comparable(said), _comparable(annotation))


def _comparable(annotation: Json) -> Json:
    # Who writes JSON with sorted keys changes the order of attrs that come of a classification, and says the same.
    found = {key: value for key, value in annotation.items() if key != "group_id"}
    attrs = sorted(found.get("attrs") or (), key=lambda attr: str(attr["name"]))
    return found | {"attrs": attrs, "classification": found.get("classification") or ""}


def _annotation(made: Pair, before: Pair, annotation: Json) -> Json:
    said, known = made.annotation["classification"], before.annotation.get("classification")
    hidden = {
        attr["name"]: attr["value"]
        for attr in annotation.get("attrs") or ()
        if isinstance(known, dict) and attr["name"].startswith("_") and attr["name"] in known
    }
    if not annotation.get("classification"):
        said = _nameless(said, known)
    found = {**before.annotation, "tool": made.annotation["tool"]}
    if said is None and "classification" not in found:
        return found
    return found | {"classification": {**(said or {}), **hidden} if hidden else said}


def _nameless(said: Json | None, known: object) -> Json | None:
    """Returns a classification without a class as V1 had it: null, without the key, or with null or nothing in it."""
    rest = {name: value for name, value in (said or {}).items() if name != "class"}
    if isinstance(known, dict) and not known.get("class"):
        return {name: known[name] for name in ("class",) if name in known} | rest
    return rest or None if known is None else said


def _item(tool: str, made: Pair, before: Pair, annotation: Json) -> Json | None:
    item, known = made.item or {}, before.item or {}
    kept = {key: value for key, value in known.items() if key not in _DATA_KEYS}
    found = kept | item
    if "coordinates" not in item and _is_overlooked(tool, known, annotation):
        del found["coordinate"]
        found["coordinates"] = known["coordinates"]
    elif isinstance(item.get("coordinate"), list):
        found["coordinate"] = _named(item["coordinate"], known.get("coordinate"))
    return found


def _is_overlooked(tool: str, known: Json, annotation: Json) -> bool:
    """Tells whether V2 was written by who knows nothing of places by frame: its data is all zeros then, or empty."""
    if tool not in TOOLS or not TOOLS[tool].placed or not isinstance(known.get("coordinates"), dict):
        return False
    return known.get("coordinate") is None and not any(annotation["data"]) and bool(known["coordinates"])


def _named(points: list[Json], before: Any) -> list[Json]:
    """Returns points under the names that they had, as long as there are as many."""
    if not isinstance(before, list) or len(before) != len(points):
        return points
    return [old | point | {"id": old.get("id", point["id"])} for old, point in zip(before, points, strict=True)]
