"""Pascal VOC: one XML file an image, its objects as boxes of whole pixels that count from 1.

Format: http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/. A box is the pixels from `xmin` to `xmax`, both of them
in it, the left one of the image being 1. What the development kit knows no element for stands in `attributes`, as CVAT
and Datumaro write it; whoever does not know them skips them.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import msgspec

from rushes.formats.geometry import bounds, clamp_box
from rushes.formats.placing import box_of, is_placed, outlines
from rushes.labels import Annotation, Box

__all__ = ["PART_OF", "TRACK", "Picture", "Placed", "objects", "render"]

PART_OF = "part_of"
"""Attribute of a label that is a `part` of the one with this id."""
TRACK = "track_id"
"""Attribute under which a label's track stands."""
# XML 1.0 has no way to write these: https://www.w3.org/TR/xml/#charsets. A carriage return comes back as a line feed.
_UNWRITABLE = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

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
    found = [(label, _edges(label, width, height, reasons)) for label in annotations if _is_object(label, reasons)]
    placed = [Placed(label, edges) for label, edges in found if edges is not None]
    known = {one.label.id for one in placed if one.label.id and PART_OF not in one.label.attributes}
    parts: dict[str, list[Placed]] = {}
    for one in placed:
        if (whole := one.label.attributes.get(PART_OF)) in known:
            parts.setdefault(whole, []).append(one)
    kept = [one for one in placed if one.label.attributes.get(PART_OF) not in known]
    given: set[str] = set()
    for number, one in enumerate(kept):
        if one.label.id in parts and one.label.id not in given:
            given.add(one.label.id)
            kept[number] = one._replace(parts=tuple(parts[one.label.id]))
    for one in placed:
        reasons.update(_unsaid(one.label, is_part=one.label.attributes.get(PART_OF) in known))
    return kept, +reasons


def render(placed: Iterable[Placed], picture: Picture) -> tuple[str, Counter[str]]:
    """Returns the file of one image, and what of its names could not be written, counted by reason code."""
    reasons: Counter[str] = Counter()
    size = f"<width>{picture.width}</width><height>{picture.height}</height><depth>3</depth>"
    lines = [
        "<annotation>",
        "\t<folder>JPEGImages</folder>",
        f"\t<filename>{escape(picture.file_name)}</filename>",
        f"\t<source><database>{_name(picture.database, reasons)}</database></source>",
        f"\t<size>{size}</size>",
        f"\t<segmented>{picture.segmented:d}</segmented>",
    ]
    lines += [_object(one, reasons) for one in placed]
    return "\n".join([*lines, "</annotation>\n"]), reasons


def _is_object(label: Annotation, reasons: Counter[str]) -> bool:
    """Says whether a label is one thing at one place; counts what is neither that nor of the image as a whole."""
    reasons["crowd_unsupported"] += label.crowd
    reasons["relation_unsupported"] += label.relation is not None
    reasons["text_unsupported"] += label.spans is not None
    if is_placed(label):
        return not label.crowd
    reasons["attributes_unsupported"] += bool(label.attributes)
    return False


def _edges(label: Annotation, width: int, height: int, reasons: Counter[str]) -> _Edges | None:
    box = box_of(label)
    if box is None:
        seen = [(x, y) for x, y, visibility in label.keypoints or () if visibility]
        reasons["box_from_keypoints" if seen else "polyline_unsupported" if label.polyline else "empty_box"] += 1
        if not seen:
            return None
        box = bounds(seen)
    cut = clamp_box(box, width, height)
    if min(cut[2:]) <= 0:
        reasons["empty_box" if min(box[2:]) <= 0 else "outside_image"] += 1
        return None
    edges = _pixels(cut, width, height)
    said = (edges[0] - 1, edges[1] - 1, edges[2] - edges[0] + 1, edges[3] - edges[1] + 1)
    if not _holds(box, width, height):
        reasons["clipped_to_image"] += 1
    elif said != box:
        reasons["rounded_to_pixel"] += 1
    return edges


def _holds(box: Box, width: int, height: int) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[0] + box[2] <= width and box[1] + box[3] <= height


def _pixels(box: Box, width: int, height: int) -> _Edges:
    """Returns the nearest box of whole pixels: at least one of them, all in the image."""
    left, right = _ends(box[0], box[2], width)
    top, bottom = _ends(box[1], box[3], height)
    return left + 1, top + 1, right, bottom


def _ends(start: float, length: float, limit: int) -> tuple[int, int]:
    """Returns the nearest whole numbers to both ends, or those around the pixel in which the middle lies."""
    first, last = (math.floor(end + 0.5) for end in (start, start + length))
    if last <= first:
        first = min(math.floor(start + length / 2), limit - 1)
    return first, min(max(last, first + 1), limit)


def _unsaid(label: Annotation, *, is_part: bool) -> list[str]:
    more = label.attributes.keys() - {PART_OF} or label.track
    found = {
        "rotation_unsupported": label.rotation,
        "keypoints_unsupported": label.keypoints,
        "polyline_unsupported": label.polyline and box_of(label),
        "time_unsupported": label.frame is not None or label.time_s is not None,
        "attributes_unsupported": is_part and more,
        "flags_unsupported": is_part and (label.difficult or label.truncated or label.occluded),
        "polygon_unsupported": is_part and outlines(label),
        "mask_unsupported": is_part and label.mask,
    }
    return [reason for reason, present in found.items() if present]


def _object(one: Placed, reasons: Counter[str]) -> str:
    label = one.label
    attributes = label.attributes if label.track is None else {**label.attributes, TRACK: label.track}
    pose = attributes.get("pose")
    if not isinstance(pose, str) or not _plain(pose) or pose == "Unspecified":
        pose = None
    return "\n".join(
        [
            "\t<object>",
            f"\t\t<name>{_name(label.label, reasons)}</name>",
            f"\t\t<pose>{escape(pose or 'Unspecified')}</pose>",
            f"\t\t<truncated>{label.truncated:d}</truncated>",
            f"\t\t<occluded>{label.occluded:d}</occluded>",
            f"\t\t<difficult>{label.difficult:d}</difficult>",
            _bndbox(one.edges),
            *(_part(part, reasons) for part in one.parts),
            *_attributes({key: value for key, value in attributes.items() if key != "pose" or pose is None}),
            "\t</object>",
        ]
    )


def _part(part: Placed, reasons: Counter[str]) -> str:
    return f"\t\t<part>\n\t\t<name>{_name(part.label.label, reasons)}</name>\n{_bndbox(part.edges)}\n\t\t</part>"


def _bndbox(edges: _Edges) -> str:
    left, top, right, bottom = edges
    inner = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    return f"\t\t<bndbox>{inner}</bndbox>"


def _attributes(attributes: dict[str, Any]) -> list[str]:
    if not attributes:
        return []
    pairs = (
        f"\t\t\t<attribute><name>{escape(_said(name))}</name><value>{escape(_said(value))}</value></attribute>"
        for name, value in sorted(attributes.items())
    )
    return ["\t\t<attributes>", *pairs, "\t\t</attributes>"]


def _said(value: Any) -> str:
    """Returns a value as text that `meant` reads back: as it is, where that reads as nothing else, or as JSON."""
    if isinstance(value, str) and _plain(value) and isinstance(meant(value), str):
        return value
    text = msgspec.json.encode(value, order="deterministic").decode()
    return _UNWRITABLE.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def meant(text: str) -> Any:
    """Returns the value that a text stands for: JSON where it is some, else the text."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return text


def _units(character: str) -> list[int]:
    code = character.encode("utf-16-be")
    return [int.from_bytes(code[at : at + 2], "big") for at in range(0, len(code), 2)]


def _plain(text: str) -> bool:
    """Says whether a text comes back from an XML file as it was."""
    return bool(text) and text == text.strip() and not _UNWRITABLE.search(text)


def _name(text: str, reasons: Counter[str]) -> str:
    spelled, is_same = _spelled(text)
    if not is_same:
        reasons["name_respelled"] += 1
    return spelled


@functools.lru_cache(maxsize=4096)
def _spelled(text: str) -> tuple[str, bool]:
    """Returns a name as XML has it, and whether it comes back as it was."""
    if _plain(text) or not text:
        return escape(text), True
    return escape(_UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()), False
