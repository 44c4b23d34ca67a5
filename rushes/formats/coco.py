"""COCO: one JSON document a split, of instances, keypoints, or panoptic segments.

Format: https://cocodataset.org/#format-data. Every id counts from 1, because the COCO API reads annotation id 0 as
"unmatched"; `area` and `iscrowd` are always there, because it fails without them. What has holes is written as a mask,
pixel by pixel, because an outline of COCO has none. What COCO has no field for stands in `attributes`, under the names
that CVAT and Datumaro use: `track_id`, `occluded`, `truncated`, `difficult`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rushes.formats.classes import class_numbers
from rushes.formats.geometry import area, bounds, clamp_box, clip_part, corners
from rushes.formats.masks import area_of_mask, from_outlines
from rushes.formats.placing import box_of, outlines
from rushes.labels import Annotation, Box, Category, Keypoint, Mask, Part

__all__ = ["categories", "image", "render"]

FLAGS = ("difficult", "truncated", "occluded")
"""Attributes that are fields of a label."""

_HALFWAY = 0.499
_Found = dict[str, Any]


def categories(
    classes: Sequence[str], known: Mapping[str, Category] | None = None, keypoints: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """Returns the categories, with ids from 1 in the order of the classes.

    Args:
        classes: Class names.
        known: What else is known of them, by name.
        keypoints: How many keypoints a label of each has, for those that nobody named.
    """
    return [
        {"id": number, **_category((known or {}).get(name) or Category(name), (keypoints or {}).get(name, 0))}
        for number, name in enumerate(classes, 1)
    ]


def image(number: int, file_name: str, width: int, height: int, labelled: bool = True) -> dict[str, Any]:
    """Returns one image's object; `file_name` counts from the folder of its split.

    One that nobody labelled says so; of all others without annotations, nothing is in them.
    """
    found = {"id": number, "file_name": file_name, "width": width, "height": height}
    return found if labelled else found | {"labelled": False}


def render(
    annotations: Sequence[Annotation], width: int, height: int, classes: Sequence[str]
) -> tuple[list[dict[str, Any]], Counter[str]]:
    """Returns the annotation objects of one image, still without `id` and `image_id`.

    A turned box becomes its outline, as a segmentation, and the upright box around it.

    Args:
        annotations: Labels in pixels of the image.
        width: Of the image, in pixels.
        height: Likewise.
        classes: Class names, in the order of `categories`.

    Returns:
        Objects in the order of the labels, and what they cannot say, counted by reason code.

    Raises:
        KeyError: A label's class is not in `classes`.
    """
    objects: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter()
    numbers = class_numbers(tuple(classes))
    for annotation in annotations:
        found = _object(annotation, width, height, reasons)
        if found is not None:
            found["category_id"] = numbers[annotation.label] + 1
            objects.append(found)
    return objects, reasons


def _category(category: Category, keypoints: int) -> _Found:
    found: _Found = {"name": category.name, "supercategory": category.supercategory}
    names = category.keypoints or tuple(f"keypoint_{number}" for number in range(1, keypoints + 1))
    if names:
        skeleton = [[begin + 1, end + 1] for begin, end in category.skeleton]
        found |= {"keypoints": list(names), "skeleton": skeleton}
    return found | ({"flip": list(category.flip)} if category.flip else {})


def _object(annotation: Annotation, width: int, height: int, reasons: Counter[str]) -> _Found | None:
    if annotation.polyline or annotation.relation or annotation.spans:
        reasons.update(_unsaid(annotation))
    whole = box_of(annotation) or _around_keypoints(annotation, reasons)
    if whole is None:
        return None
    left, top, across, down = _rounded_box(clamp_box(whole, width, height))
    if across <= 0 or down <= 0:
        reasons["empty_box"] += 1
        return None
    bbox, size = [left / 1000, top / 1000, across / 1000, down / 1000], round(across * down / 1000) / 1000
    found = {"bbox": bbox, "area": size, "iscrowd": int(annotation.crowd), "segmentation": []}
    if annotation.polygon or annotation.parts or annotation.mask or annotation.rotation:
        found |= _shape(annotation, width, height, reasons)
    if annotation.keypoints is not None:
        found |= _keypoints(annotation.keypoints)
    return _with_attributes(found, annotation)


def _unsaid(annotation: Annotation) -> list[str]:
    """Returns what an object has no words for, whatever else the label says."""
    found = {
        "polyline_unsupported": annotation.polyline,
        "relation_unsupported": annotation.relation,
        "text_unsupported": annotation.spans,
    }
    return [reason for reason, present in found.items() if present]


def _around_keypoints(annotation: Annotation, reasons: Counter[str]) -> Box | None:
    """Returns the box of a label that has points alone; None where it has none that was seen."""
    seen = [(x, y) for x, y, visibility in annotation.keypoints or () if visibility]
    if seen:
        reasons["box_from_keypoints"] += 1
        return bounds(seen)
    if not _unsaid(annotation):
        reasons["item_label_unsupported"] += 1
    return None


def _shape(annotation: Annotation, width: int, height: int, reasons: Counter[str]) -> _Found:
    """Returns the segmentation and its area; nothing where the box says it all."""
    parts = _outlines(annotation, width, height, reasons)
    if parts and annotation.mask:
        reasons["mask_beside_outline"] += 1
    if any(len(part) > 1 for part in parts):
        reasons["holes_as_mask"] += 1
        return _mask(from_outlines(parts, height, width))
    if parts:
        rings = [[round(value, 3) for point in part[0] for value in point] for part in parts]
        return {"segmentation": rings, "area": round(sum(area(part[0]) for part in parts), 3)}
    if annotation.mask and annotation.mask.size != (height, width):
        reasons["mask_of_other_size"] += 1
    elif annotation.mask:
        return _mask(annotation.mask)
    return {}


def _outlines(annotation: Annotation, width: int, height: int, reasons: Counter[str]) -> tuple[Part, ...]:
    parts = outlines(annotation)
    if not parts and not annotation.mask and annotation.box is not None and annotation.rotation:
        parts = ((corners(annotation.box, annotation.rotation),),)
        reasons["rotation_as_outline"] += 1
    elif annotation.rotation:
        reasons["rotation_unsupported"] += 1
    cut = (part if _inside(part, width, height) else clip_part(part, width, height) for part in parts)
    return tuple(part for part in cut if part and len(part[0]) >= 3)


def _inside(part: Part, width: int, height: int) -> bool:
    return all(0 <= x <= width and 0 <= y <= height for ring in part for x, y in ring)


def _mask(mask: Mask) -> _Found:
    return {"segmentation": {"size": list(mask.size), "counts": mask.counts}, "area": area_of_mask(mask)}


def _rounded_box(box: Box) -> tuple[int, int, int, int]:
    """Returns a box in thousandths of a pixel."""
    # Edges are rounded rather than sizes, so that a box at the edge of the image stays inside.
    x, y, width, height = box
    left, top = _thousandths(x), _thousandths(y)
    return left, top, _thousandths(x + width) - left, _thousandths(y + height) - top


def _thousandths(value: float) -> int:
    # To round to digits takes five times as long, and is another number only about halfway, where a product is inexact.
    product = value * 1000
    found = round(product)
    return found if abs(product - found) < _HALFWAY else round(round(value, 3) * 1000)


def _keypoints(keypoints: Sequence[Keypoint]) -> _Found:
    flat = [value for x, y, v in keypoints for value in (round(x, 3), round(y, 3), int(v))]
    return {"keypoints": flat, "num_keypoints": sum(v > 0 for _, _, v in keypoints)}


def _with_attributes(found: _Found, annotation: Annotation) -> _Found:
    attributes = annotation.attributes
    if annotation.difficult or annotation.truncated or annotation.occluded:
        attributes = attributes | {name: True for name in FLAGS if getattr(annotation, name)}
    if annotation.track is not None:
        attributes = attributes | {"track_id": _number_or_name(annotation.track)}
    if attributes:
        found["attributes"] = attributes
    return found


def _number_or_name(track: str) -> int | str:
    """CVAT takes numbers only."""
    return int(track) if track.isdecimal() and track.isascii() and str(int(track)) == track else track
