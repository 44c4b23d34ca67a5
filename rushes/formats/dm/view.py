"""A DM document of either version, looked at as both: what is said of each of its media."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from rushes.formats.dm.documents import MEDIA_TYPES, REMAINS, media_order, size_of, version_of
from rushes.formats.dm.groups import members
from rushes.formats.dm.labels import NAMELESS, Group, Names, Said, Unit, is_class, labels_of, point_names
from rushes.formats.dm.pairs import ALL_TOOLS
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.tools import Json
from rushes.formats.dm.v1 import v2_from
from rushes.formats.dm.v2 import v1_from
from rushes.labels import Annotation

__all__ = ["ATTRIBUTES", "View", "view_of"]

ATTRIBUTES = "attributes"
"""Key of a media's `extra` for the attributes of an item."""


class View(NamedTuple):
    """A document as both versions.

    Attributes:
        v1: As V1.
        v2: As V2, bare or whole.
        media: Of V2, by the id that they have in V1, in the order of V2.
        where: Which file it is, for messages.
    """

    v1: Json
    v2: Json
    media: Mapping[str, Json]
    where: str

    def size(self, media: str) -> Size | None:
        """Returns the size of an image, where the document says it."""
        return size_of(self.v1.get("extra") or {}, media, self.where)

    def attributes(self, media: str) -> Json:
        """Returns the attributes that an item had when it was written."""
        found = ((self.v1.get("extra") or {}).get(media) or {}).get(ATTRIBUTES)
        return dict(found) if isinstance(found, dict) else {}

    def tools(self, media: str) -> dict[str, list[Json]]:
        """Returns the annotations of a media by tool."""
        return {tool: listed for tool, listed in self.media.get(media, {}).items() if tool in ALL_TOOLS}

    def groups(self, media: str) -> dict[str, Group]:
        """Returns the groups of a media by id: V1's in any shape, and V2's."""
        found: dict[str, Group] = {}
        for group in (self.v1.get("annotationGroups") or {}).get(media) or ():
            said = group.get("classification") or {}
            label = said.get("class") if isinstance(said, dict) else None
            attributes = {name: value for name, value in said.items() if name != "class"} if said else {}
            found[group["id"]] = Group(label if isinstance(label, str) else "", attributes, [*members(group, "")])
        for group in self.media.get(media, {}).get("group", ()):
            attributes = {attr["name"]: attr["value"] for attr in group.get("attrs") or ()}
            found[group["id"]] = Group(group.get("classification") or "", attributes, group["data"])
        return found

    def said(self, media: str, size: Size | None, names: Names) -> Said:
        """Returns the labels of a media, in the order that its annotations have in V1, and its relations.

        Raises:
            AnnotationError: Pixels are not in the image, or its size is not known.
        """
        found = labels_of(self.tools(media), self.groups(media), size, names, f"{self.where}: {media}")
        order = {each["id"]: place for place, each in enumerate(self.v1["annotations"].get(media, ()))}
        units = sorted(found.units, key=lambda unit: min((order[i] for i in unit.ids if i in order), default=0))
        known = {label.id for unit in units for label in unit.labels}
        units += [unit for unit in self._relations(media) if unit.labels[0].id not in known]
        return found._replace(units=units)

    def skeletons(self, media: str) -> Iterator[tuple[str, list[str]]]:
        """Yields the class of each skeleton of a media, and the names of its keypoints."""
        yield from point_names(self.tools(media), self.groups(media))

    def classes(self, media: str) -> Iterator[str]:
        """Yields the classes of the labels of a media, without looking at its pixels."""
        tools = self.tools(media)
        masks = [each for each in tools.get("segmentation", ()) if isinstance(each["data"], list)]
        yield from (each["classification"] for each in masks if is_class(each.get("classification") or ""))
        tools["segmentation"] = [each | {"data": {}} for each in masks]
        found = labels_of(tools, self.groups(media), None, {}, self.where)
        yield from (label.label for unit in [*found.units, *self._relations(media)] for label in unit.labels)

    def _relations(self, media: str) -> Iterator[Unit]:
        for each in (self.v1.get("relations") or {}).get(media) or ():
            said = each.get("classification")
            label = said.get("class") if isinstance(said, dict) else None
            if isinstance(each.get("id"), str) and each["id"]:
                ends = (each["annotationId"], each["targetAnnotationId"])
                found = Annotation(label if isinstance(label, str) and label.strip() else NAMELESS, relation=ends)
                yield Unit((replace(found, id=each["id"]),), (each["id"],))


def view_of(document: Json, where: str) -> View:
    """Returns a document as both versions.

    Args:
        document: The document, all of which is known to be JSON; it is shared, and must not change.
        where: Which file it is, for messages.

    Raises:
        AnnotationError: It is none, or a broken one.
    """
    if version_of(document, where) == "v1":
        v1, v2 = document, v2_from(document, where)
    else:
        v1, v2 = v1_from(document, where), document
    data = v2.get("annotation_data", v2)
    media: dict[str, Json] = {}
    for kind, plural in MEDIA_TYPES.items():
        media |= dict(zip(_names(v1, kind, plural), data.get(plural) or (), strict=True))
    return View(v1, v2, media, where)


def _names(v1: Json, kind: str, plural: str) -> list[Any]:
    """Returns the ids of the media of a type, in the order of V2: the one that V1 carries, and then as people count."""
    carried = (v1.get(REMAINS) or {}).get("data", {}).get(plural) or ()
    known = {name: None for name in v1["annotations"] if name.startswith(f"{kind}_")}
    first = [name for name, _ in carried if name in known]
    return list(dict.fromkeys([*first, *sorted(known, key=media_order)]))
