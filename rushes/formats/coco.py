"""COCO object detection: one JSON document a split.

Format: https://cocodataset.org/#format-data. Every id counts from 1, because the COCO API reads annotation id 0 as
"unmatched"; `area` and `iscrowd` are always there, because it fails without them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rushes.formats.geometry import area, bounds, clamp_box, clip_polygon, corners
from rushes.formats.placing import box_of
from rushes.labels import Annotation, Box, Point

__all__ = ["categories", "image", "render"]


def categories(classes: Sequence[str]) -> list[dict[str, Any]]:
    """Returns the categories, with ids from 1 in the order of the classes."""
    return [{"id": number, "name": name, "supercategory": ""} for number, name in enumerate(classes, 1)]


def image(number: int, file_name: str, width: int, height: int) -> dict[str, Any]:
    """Returns one image's object; `file_name` counts from the folder of its split."""
    return {"id": number, "file_name": file_name, "width": width, "height": height}


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
        ValueError: A label's class is not in `classes`.
    """
    objects: list[dict[str, Any]] = []
    reasons: Counter[str] = Counter()
    for annotation in annotations:
        found, reason = _object(annotation, width, height)
        if reason is not None:
            reasons[reason] += 1
        if found is not None:
            objects.append({"category_id": classes.index(annotation.label) + 1, **found})
    return objects, reasons


def _object(annotation: Annotation, width: int, height: int) -> tuple[dict[str, Any] | None, str | None]:
    whole, reason = _whole(annotation)
    if whole is None:
        return None, reason
    bbox = _rounded_box(clamp_box(whole, width, height))
    if min(bbox[2:]) <= 0:
        return None, "empty_box"
    outline = _outline(annotation, width, height)
    found = {
        "bbox": bbox,
        "area": round(area(outline) if outline else bbox[2] * bbox[3], 3),
        "iscrowd": 0,
        "segmentation": [[round(value, 3) for point in outline for value in point]] if outline else [],
    }
    return found | _keypoints(annotation) | _attributes(annotation), reason


def _whole(annotation: Annotation) -> tuple[Box | None, str | None]:
    box = box_of(annotation)
    if box is not None:
        return box, None
    seen = [(x, y) for x, y, visibility in annotation.keypoints or () if visibility]
    return (bounds(seen), "box_from_keypoints") if seen else (None, "item_label_unsupported")


def _outline(annotation: Annotation, width: int, height: int) -> tuple[Point, ...]:
    points = annotation.polygon
    if points is None and annotation.box is not None and annotation.rotation:
        points = corners(annotation.box, annotation.rotation)
    outline = clip_polygon(points, width, height) if points else ()
    return outline if len(outline) >= 3 else ()


def _rounded_box(box: Box) -> list[float]:
    # Edges are rounded rather than sizes, so that a box at the edge of the image stays inside.
    x, y = round(box[0], 3), round(box[1], 3)
    return [x, y, round(round(box[0] + box[2], 3) - x, 3), round(round(box[1] + box[3], 3) - y, 3)]


def _keypoints(annotation: Annotation) -> dict[str, Any]:
    if annotation.keypoints is None:
        return {}
    flat = [value for x, y, v in annotation.keypoints for value in (round(x, 3), round(y, 3), int(v))]
    return {"keypoints": flat, "num_keypoints": sum(v > 0 for _, _, v in annotation.keypoints)}


def _attributes(annotation: Annotation) -> dict[str, Any]:
    track = {} if annotation.track is None else {"track_id": annotation.track}
    attributes = annotation.attributes | track
    return {"attributes": attributes} if attributes else {}
