"""Where labels lie when their picture changes: scaled with it, and cut at its edges."""

from __future__ import annotations

from msgspec.structs import replace

from rushes.formats.geometry import bounds, clamp_box, clip_part, clip_polygon, corners, scale_rotated
from rushes.formats.masks import box_of_mask, scale_mask
from rushes.labels import Annotation, Box, Part

__all__ = ["box_of", "clip", "is_box_inside", "is_placed", "outlines", "scale"]


def is_placed(annotation: Annotation) -> bool:
    """Says whether a label says where in the picture it is, and is not of the picture as a whole."""
    return bool(
        annotation.box
        or annotation.polygon
        or annotation.parts
        or annotation.mask
        or annotation.keypoints
        or annotation.polyline
    )


def outlines(annotation: Annotation) -> tuple[Part, ...]:
    """Returns the outlines of a label, from its polygon or its parts; nothing where it has neither."""
    return ((annotation.polygon,),) if annotation.polygon else annotation.parts or ()


def box_of(annotation: Annotation) -> Box | None:
    """Returns the smallest upright box around what a label covers, or None where it covers nothing that is known.

    It goes by the box, the outlines or the mask, in this order; points and open lines cover nothing.
    """
    if annotation.box is not None and annotation.rotation:
        return bounds(corners(annotation.box, annotation.rotation))
    if annotation.box is not None:
        return annotation.box
    if annotation.polygon:
        return bounds(annotation.polygon)
    if annotation.parts:
        return bounds(point for part in annotation.parts for point in part[0])
    return box_of_mask(annotation.mask) if annotation.mask else None


def scale(annotation: Annotation, sx: float, sy: float) -> Annotation:
    """Returns the label as it lies in the same picture, `sx` times as wide and `sy` times as high.

    Of a mask each pixel becomes the nearest one.
    """
    box, rotation = annotation.box, annotation.rotation
    if box is not None and rotation is not None:
        box, rotation = scale_rotated(box, rotation, sx, sy)
    elif box is not None:
        box = (box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy)
    return replace(
        annotation,
        box=box,
        rotation=rotation,
        polygon=annotation.polygon and tuple((x * sx, y * sy) for x, y in annotation.polygon),
        parts=annotation.parts
        and tuple(tuple(tuple((x * sx, y * sy) for x, y in ring) for ring in part) for part in annotation.parts),
        keypoints=annotation.keypoints and tuple((x * sx, y * sy, v) for x, y, v in annotation.keypoints),
        polyline=annotation.polyline and tuple((x * sx, y * sy) for x, y in annotation.polyline),
        mask=annotation.mask and scale_mask(annotation.mask, sx, sy),
    )


def clip(annotation: Annotation, width: int, height: int) -> tuple[Annotation | None, str | None]:
    """Cuts a label to the image.

    A turned box or an open line that reaches over the edge stays as it is, because the rest of it is no box, or not one
    line, any more. A keypoint outside becomes (0, 0) with visibility 0, which is how COCO says "not labelled".

    Returns:
        The label, or None where nothing is left of it; and the reason of any change: `clipped_to_image`,
        `outside_image` or `empty_box`.
    """
    if is_box_inside(annotation, width, height):
        return annotation, None
    whole = box_of(annotation)
    if whole is not None and (whole[2] <= 0 or whole[3] <= 0):
        return None, "empty_box"
    if whole is not None and min(clamp_box(whole, width, height)[2:]) <= 0:
        return None, "outside_image"
    cut = _cut(annotation, width, height)
    if outlines(annotation) and not outlines(cut) and cut.box is None and cut.mask is None:
        return None, "outside_image"
    if whole is None and is_placed(annotation) and not _left(cut, width, height):
        return None, "outside_image"
    return (annotation, None) if cut == annotation else (cut, "clipped_to_image")


def is_box_inside(annotation: Annotation, width: int, height: int) -> bool:
    """Says whether a label is an upright box inside of the image, as most of them are, and no more."""
    box = annotation.box
    if box is None or annotation.rotation or annotation.polygon or annotation.parts or annotation.mask:
        return False
    x, y, box_width, box_height = box
    inside = 0 <= x < x + box_width <= width and 0 <= y < y + box_height <= height
    return inside and not annotation.keypoints and not annotation.polyline


def _left(cut: Annotation, width: int, height: int) -> bool:
    """Says whether a label that covers nothing still has a point, or a piece of its line, in the image."""
    if cut.polyline is not None:
        x, y, line_width, line_height = bounds(cut.polyline)
        if x <= width and y <= height and x + line_width >= 0 and y + line_height >= 0:
            return True
    return any(v for _, _, v in cut.keypoints or ())


def _cut(annotation: Annotation, width: int, height: int) -> Annotation:
    box, polygon, parts, keypoints = annotation.box, annotation.polygon, annotation.parts, annotation.keypoints
    if box is not None and not annotation.rotation:
        box = box if _holds(box, width, height) else clamp_box(box, width, height)
    if polygon is not None and not all(_inside(x, y, width, height) for x, y in polygon):
        polygon = clip_polygon(polygon, width, height) or None
    if parts is not None and not all(_inside(x, y, width, height) for part in parts for x, y in part[0]):
        parts = tuple(filter(None, (clip_part(part, width, height) for part in parts))) or None
    if keypoints is not None:
        keypoints = tuple(p if _inside(p[0], p[1], width, height) else (0.0, 0.0, 0.0) for p in keypoints)
    return replace(annotation, box=box, polygon=polygon, parts=parts, keypoints=keypoints)


def _holds(box: Box, width: int, height: int) -> bool:
    # A box that fits stays exactly as it was written: clamping would go through x + width - x and change digits.
    x, y, box_width, box_height = box
    return _inside(x, y, width, height) and _inside(x + box_width, y + box_height, width, height)


def _inside(x: float, y: float, width: int, height: int) -> bool:
    return 0 <= x <= width and 0 <= y <= height
