"""The one model of labels: what every format is read into, and written from.

Places are in pixels of the media as shown upright, origin at the top left corner, x to the right and y downwards. A
label may say its place in several ways at once, as a box and an outline and points; formats take what they can say.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

__all__ = ["Annotation", "Box", "Category", "Keyed", "Keypoint", "Mask", "Part", "Point", "Ring", "Span"]


class Keyed:
    """Lets a record be read like a dict, as code does that was written for dicts: `sample.get("annotations", [])`.

    A label's class goes by `class_name` and `class`, too.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        name = "label" if key in ("class", "class_name") and isinstance(self, Annotation) else key
        if name not in self.__struct_fields__:  # type: ignore[attr-defined]
            raise KeyError(key)
        return getattr(self, name)

    def get(self, key: str, default: Any = None) -> Any:
        """Returns a field, or the default where the record has no such field."""
        try:
            return self[key]
        except KeyError:
            return default


Point = tuple[float, float]
"""x, y."""
Box = tuple[float, float, float, float]
"""x, y, width, height of an upright box."""
Keypoint = tuple[float, float, float]
"""x, y and visibility: 0 is not labelled, 1 is labelled and hidden, 2 is visible."""
Ring = tuple[Point, ...]
"""A closed line, at least three points, the first not repeated at the end."""
Part = tuple[Ring, ...]
"""An outline, and after it the holes in it, as in a GeoJSON polygon."""
Span = tuple[int, int, str]
"""First character of a text, the one behind its last, and the words between them."""


class Mask(msgspec.Struct, frozen=True, gc=False):
    """The pixels of a label, run by run, exactly as the COCO API has them.

    Attributes:
        size: Height and width of the picture, in this order.
        counts: Lengths of runs, column by column, in the API's compressed text
            (https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.h).
    """

    size: tuple[int, int]
    counts: str


class Annotation(Keyed, msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One label on one item.

    Attributes:
        label: The class name; of a relation, what it is called.
        box: x, y, width, height.
        polygon: Outline of what is one piece without holes.
        keypoints: Points of the class's skeleton, in its order.
        rotation: Of the box, in radians, clockwise about its centre.
        frame: 0-based index of the frame in the source video.
        time_s: Alternatively, when in the source video, in seconds.
        track: Name shared by the labels of one object over time.
        attributes: Everything else that the source said.
        id: Name of the label among those of its item; relations go by it.
        parts: Outlines of what is of several pieces or has holes; never beside `polygon`.
        mask: Its pixels.
        polyline: An open line, at least two points.
        relation: Ids of the labels that it leads from and to.
        spans: Where it stands in a text.
        crowd: Whether it stands for many objects that nobody told apart, as COCO's `iscrowd`.
        difficult: Whether it is hard to see, as VOC's.
        truncated: Whether it reaches beyond the picture.
        occluded: Whether something hides a part of it.
    """

    label: str
    box: Box | None = None
    polygon: Ring | None = None
    keypoints: tuple[Keypoint, ...] | None = None
    rotation: float | None = None
    frame: int | None = None
    time_s: float | None = None
    track: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    id: str | None = None
    parts: tuple[Part, ...] | None = None
    mask: Mask | None = None
    polyline: Ring | None = None
    relation: tuple[str, str] | None = None
    spans: tuple[Span, ...] | None = None
    crowd: bool = False
    difficult: bool = False
    truncated: bool = False
    occluded: bool = False


class Category(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A class of a dataset.

    Attributes:
        name: Unique in the dataset.
        id: What the format called it, where that is not its place in the order.
        supercategory: The class that it is a kind of; empty where none was said.
        keypoints: Names of its keypoints.
        skeleton: Pairs of 0-based indices of keypoints that are joined by a line.
        flip: For each keypoint the index of the one that it becomes in a mirror; empty where nobody said.
    """

    name: str
    id: int | None = None
    supercategory: str = ""
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    flip: tuple[int, ...] = ()
