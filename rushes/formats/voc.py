"""Pascal VOC: one XML file an image, its objects as boxes of whole pixels that count from 1.

Format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/. A box is the pixels from `xmin` to `xmax`, both of them
in it, the left one of the image being 1. What the development kit knows no element for stands in `attributes`, as CVAT
and Datumaro write it; whoever does not know them skips them.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rushes.formats.geometry import bounds, clamp_box
from rushes.formats.placing import box_of, is_placed, outlines
from rushes.formats.voc_text import escaped, is_plain, said, spelled_name
from rushes.labels import Annotation, Box

__all__ = ["PART_OF", "TRACK", "Picture", "Placed", "objects", "render"]

PART_OF = "part_of"
"""Attribute of a label that is a `part` of the one with this id."""
TRACK = "track_id"
"""Attribute under which a label's track stands."""
_BNDBOX = "\t\t<bndbox><xmin>%d</xmin><ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox>\n"
_Edges = tuple[int, int, int, int]


class Picture(NamedTuple):
    """What a file says of its image.

    Attributes:
        file_name: In the folder of images.
        width: In pixels.
        height: Likewise.
        database: Name of the dataset.
        segmented: Whether the image has masks.
    """

    file_name: str
    width: int
    height: int
    database: str = ""
    segmented: bool = False


class Placed(NamedTuple):
    """An object of a file: a label, its `xmin, ymin, xmax, ymax`, and its parts."""

    label: Annotation
    edges: _Edges
    parts: tuple[Placed, ...] = ()


def objects(annotations: Sequence[Annotation], width: int, height: int) -> tuple[list[Placed], Counter[str]]:
    """Returns the objects of an image, in the order of the labels: number i of them is index i of its object masks.

    Args:
        annotations: Labels in pixels of the image.
        width: Of the image, in pixels.
        height: Likewise.

    Returns:
        The objects; and what no object can say, counted by reason code. Labels of the image as a whole are no objects,
        and are not counted: they stand in the lists of images of each class.
    """
    reasons: Counter[str] = Counter()
    placed: list[Placed] = []
    for label in annotations:
        if _is_object(label, reasons):
            edges = _edges(label, width, height, reasons)
            if edges is not None:
                placed.append(Placed(label, edges))
                _count_unsaid(label, reasons)
    if any(PART_OF in one.label.attributes for one in placed):
        placed = _joined(placed, reasons)
    return placed, reasons


def _joined(placed: Sequence[Placed], reasons: Counter[str]) -> list[Placed]:
    """Returns objects with their parts, which are no objects any more."""
    known = {one.label.id for one in placed if one.label.id and PART_OF not in one.label.attributes}
    kept: list[Placed] = []
    parts: dict[str, list[Placed]] = {}
    for one in placed:
        whole = one.label.attributes.get(PART_OF)
        if isinstance(whole, str) and whole in known:
            parts.setdefault(whole, []).append(one)
            _count_unsaid_of_part(one.label, reasons)
        else:
            kept.append(one)
    for number, one in enumerate(kept):
        if one.label.id in parts:
            kept[number] = one._replace(parts=tuple(parts.pop(one.label.id)))
    return kept


def render(placed: Iterable[Placed], picture: Picture) -> tuple[str, Counter[str]]:
    """Returns the file of one image, and what of its names could not be written, counted by reason code."""
    reasons: Counter[str] = Counter()
    size = f"<width>{picture.width}</width><height>{picture.height}</height><depth>3</depth>"
    head = (
        f"<annotation>\n\t<folder>JPEGImages</folder>\n\t<filename>{escaped(picture.file_name)}</filename>\n"
        f"\t<source><database>{_name(picture.database, reasons)}</database></source>\n"
        f"\t<size>{size}</size>\n\t<segmented>{picture.segmented:d}</segmented>\n"
    )
    return "".join([head, *[_object(one, reasons) for one in placed], "</annotation>\n"]), reasons


def _is_object(label: Annotation, reasons: Counter[str]) -> bool:
    """Says whether a label is one thing at one place; counts what is neither that nor of the image as a whole."""
    if label.crowd:
        reasons["crowd_unsupported"] += 1
    if label.relation is not None:
        reasons["relation_unsupported"] += 1
    if label.spans is not None:
        reasons["text_unsupported"] += 1
    if is_placed(label):
        return not label.crowd
    if label.attributes:
        reasons["attributes_unsupported"] += 1
    return False


def _edges(label: Annotation, width: int, height: int, reasons: Counter[str]) -> _Edges | None:
    box = box_of(label)
    if box is None:
        seen = [(x, y) for x, y, visibility in label.keypoints or () if visibility]
        reasons["box_from_keypoints" if seen else "polyline_unsupported" if label.polyline else "empty_box"] += 1
        if not seen:
            return None
        box = bounds(seen)
    x, y, across, down = cut = clamp_box(box, width, height)
    if across <= 0 or down <= 0:
        reasons["empty_box" if min(box[2:]) <= 0 else "outside_image"] += 1
        return None
    left, right = _ends(x, across, width)
    top, bottom = _ends(y, down, height)
    if cut is not box and not _holds(box, width, height):
        reasons["clipped_to_image"] += 1
    elif (left, top, right - left, bottom - top) != box:
        reasons["rounded_to_pixel"] += 1
    return left + 1, top + 1, right, bottom


def _holds(box: Box, width: int, height: int) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= width and box[1] + box[3] <= height


def _ends(start: float, length: float, limit: int) -> tuple[int, int]:
    """Returns the nearest whole numbers to both ends, or those around the pixel in which the middle lies.

    At least one pixel lies between them, and all of those in the image.
    """
    first, last = math.floor(start + 0.5), math.floor(start + length + 0.5)
    if last <= first:
        first = min(math.floor(start + length / 2), limit - 1)
        last = first + 1
    return first, min(last, limit)


def _count_unsaid(label: Annotation, reasons: Counter[str]) -> None:
    if label.rotation:
        reasons["rotation_unsupported"] += 1
    if label.keypoints:
        reasons["keypoints_unsupported"] += 1
    if label.polyline and box_of(label):
        reasons["polyline_unsupported"] += 1
    if label.frame is not None or label.time_s is not None:
        reasons["time_unsupported"] += 1


def _count_unsaid_of_part(label: Annotation, reasons: Counter[str]) -> None:
    if label.attributes.keys() - {PART_OF} or label.track:
        reasons["attributes_unsupported"] += 1
    if label.difficult or label.truncated or label.occluded:
        reasons["flags_unsupported"] += 1
    if outlines(label):
        reasons["polygon_unsupported"] += 1
    if label.mask:
        reasons["mask_unsupported"] += 1


def _object(one: Placed, reasons: Counter[str]) -> str:
    label = one.label
    pose, more = "Unspecified", ""
    if label.attributes or label.track is not None:
        pose, more = _attributes(label)
    parts = "".join([_part(part, reasons) for part in one.parts]) if one.parts else ""
    name = _name(label.label, reasons)
    begin = _begin(name, pose, label.truncated, label.occluded, label.difficult)
    return f"{begin}{_BNDBOX % one.edges}{parts}{more}\t</object>\n"


@functools.lru_cache(maxsize=4096)
def _begin(name: str, pose: str, truncated: bool, occluded: bool, difficult: bool) -> str:
    """Returns how an object begins: most of a dataset's begin in one of a few ways."""
    return (
        f"\t<object>\n\t\t<name>{name}</name>\n\t\t<pose>{pose}</pose>\n\t\t<truncated>{truncated:d}</truncated>\n"
        f"\t\t<occluded>{occluded:d}</occluded>\n\t\t<difficult>{difficult:d}</difficult>\n"
    )


def _part(part: Placed, reasons: Counter[str]) -> str:
    return f"\t\t<part>\n\t\t<name>{_name(part.label.label, reasons)}</name>\n{_BNDBOX % part.edges}\t\t</part>\n"


def _attributes(label: Annotation) -> tuple[str, str]:
    """Returns the pose that a label's attributes tell, and the element of all others, which may be none."""
    attributes = dict(label.attributes)
    if label.track is not None:
        attributes[TRACK] = label.track
    pose = attributes.get("pose")
    if isinstance(pose, str) and is_plain(pose) and pose != "Unspecified":
        del attributes["pose"]
    else:
        pose = "Unspecified"
    pairs = "".join(
        f"\t\t\t<attribute><name>{escaped(said(name))}</name><value>{escaped(said(value))}</value></attribute>\n"
        for name, value in sorted(attributes.items())
    )
    return escaped(pose), f"\t\t<attributes>\n{pairs}\t\t</attributes>\n" if pairs else ""


def _name(text: str, reasons: Counter[str]) -> str:
    spelled, is_same = spelled_name(text)
    if not is_same:
        reasons["name_respelled"] += 1
    return spelled
