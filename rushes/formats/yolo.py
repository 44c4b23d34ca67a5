"""YOLO labels: one text file an image, one row a label, the index of its class first, and all else normalised.

    detect    class cx cy width height
    segment   class x1 y1 x2 y2 x3 y3 …             one ring
    pose      class cx cy width height x1 y1 v1 …   as many keypoints in each row
    obb       class x1 y1 x2 y2 x3 y3 x4 y4         a turned box

A dataset has rows of one kind: readers tell the kind by the number of columns, and take an image with two for damaged.

Format: https://docs.ultralytics.com/datasets/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from rushes.formats.classes import class_numbers
from rushes.formats.geometry import bounds, clamp_box, clip_part, corners
from rushes.formats.placing import box_of, is_placed, outlines
from rushes.formats.rings import bridged, smallest_box
from rushes.formats.tracing import trace
from rushes.labels import Annotation, Box, Keypoint, Part, Point, Ring

__all__ = ["NO_KEYPOINT", "Kind", "render"]

Kind = Literal["detect", "segment", "pose", "obb"]
NO_KEYPOINT = "0.000000 0.000000 0"
"""One that nobody labelled."""
_LEAST = 1.5e-6
"""Of the picture: a smaller box is 0.000001 wide when it is rounded, and has nothing left at an edge of the picture."""


def render(
    annotations: Sequence[Annotation],
    width: int,
    height: int,
    classes: Sequence[str],
    kind: Kind = "detect",
    keypoints: int | None = None,
) -> tuple[list[str], Counter[str]]:
    """Returns the rows of one image's label file.

    Args:
        annotations: Labels in pixels of the image.
        width: Of the image, in pixels.
        height: Likewise.
        classes: Class names; a row holds the index.
        kind: What rows say.
        keypoints: How many each row of a pose has; None writes as many as the label with the most of them has here, and
            at least one, as all poses have.

    Returns:
        Rows in the order of the labels, and what they cannot say, counted by reason code.

    Raises:
        KeyError: A label's class is not in `classes`.
    """
    rows: dict[str, None] = {}
    reasons: Counter[str] = Counter()
    count = keypoints
    if count is None:
        count = max((len(found.keypoints or ()) for found in annotations), default=0) or 1
    shape = _Shape(width, height, count, reasons)
    numbers = class_numbers(tuple(classes))
    for annotation in annotations:
        row = _row(annotation, kind, shape, numbers)
        if row in rows:
            reasons["duplicate_label"] += 1
        elif row is not None:
            rows[row] = None
    return list(rows), reasons


class _Shape:
    """The picture that rows are normalised by, and what is counted on the way."""

    __slots__ = ("counted", "height", "keypoints", "reasons", "width")

    def __init__(self, width: int, height: int, keypoints: int, reasons: Counter[str]) -> None:
        self.width, self.height, self.keypoints, self.reasons = width, height, keypoints, reasons
        self.counted = 0

    def drop(self, reason: str) -> None:
        """Counts a label that is left out or changed."""
        self.reasons[reason] += 1
        self.counted += 1

    def points(self, points: Iterable[Point]) -> str:
        """Returns points as they stand in a row."""
        return " ".join(f"{x / self.width:.6f} {y / self.height:.6f}" for x, y in points)

    def cut(self, part: Part) -> Part:
        """Returns the part of an outline that lies in the picture, or nothing."""
        if all(0 <= x <= self.width and 0 <= y <= self.height for ring in part for x, y in ring):
            return part
        found = clip_part(part, self.width, self.height)
        return tuple(ring for ring in found if len(ring) >= 3) if found and len(found[0]) >= 3 else ()


def _row(annotation: Annotation, kind: Kind, shape: _Shape, classes: Mapping[str, int]) -> str | None:
    counted = shape.counted
    if annotation.crowd:
        shape.drop("crowd_unsupported")
        return None
    _count_unsaid(annotation, kind, shape)
    numbers = _NUMBERS[kind](annotation, shape)
    if numbers is not None:
        return f"{classes[annotation.label]} {numbers}"
    if shape.counted == counted:
        shape.drop("empty_label")
    return None


def _count_unsaid(annotation: Annotation, kind: Kind, shape: _Shape) -> None:
    """Counts what rows of a kind have no words for, whatever else the label says."""
    if kind in ("detect", "pose"):
        _count_unsaid_shapes(annotation, shape)
    if annotation.keypoints and kind != "pose":
        shape.drop("keypoints_unsupported")
    if annotation.polyline or annotation.relation or annotation.spans:
        _count_unsaid_lines(annotation, shape)
    if annotation.track is not None:
        shape.drop("track_unsupported")
    if annotation.attributes:
        shape.drop("attributes_unsupported")
    if annotation.difficult or annotation.truncated or annotation.occluded:
        shape.drop("flags_unsupported")
    if not annotation.box and not _says_where(annotation):
        shape.drop("item_label_unsupported")


def _count_unsaid_shapes(annotation: Annotation, shape: _Shape) -> None:
    if annotation.polygon or annotation.parts:
        shape.drop("polygon_unsupported")
    if annotation.mask:
        shape.drop("mask_unsupported")
    if annotation.rotation:
        shape.drop("rotation_unsupported")


def _count_unsaid_lines(annotation: Annotation, shape: _Shape) -> None:
    if annotation.polyline:
        shape.drop("polyline_unsupported")
    if annotation.relation:
        shape.drop("relation_unsupported")
    if annotation.spans:
        shape.drop("text_unsupported")


def _says_where(annotation: Annotation) -> bool:
    return is_placed(annotation) or bool(annotation.relation or annotation.spans)


def _detect(annotation: Annotation, shape: _Shape) -> str | None:
    box = annotation.box if not annotation.rotation else None
    if box is None:
        box = box_of(annotation)
    return None if box is None else _box(box, shape)


def _box(box: Box, shape: _Shape) -> str | None:
    across, down = shape.width, shape.height
    x, y, width, height = clamp_box(box, across, down)
    if width < _LEAST * across or height < _LEAST * down:
        shape.drop("empty_box")
        return None
    place = f"{(x + width / 2) / across:.6f} {(y + height / 2) / down:.6f}"
    return f"{place} {width / across:.6f} {height / down:.6f}"


def _segment(annotation: Annotation, shape: _Shape) -> str | None:
    parts = _parts(annotation, shape)
    if not parts and annotation.box is not None:
        parts = ((corners(annotation.box, annotation.rotation or 0.0),),)
        shape.drop("box_as_outline")
    elif parts and annotation.rotation:
        shape.drop("rotation_unsupported")
    if not parts:
        return None
    parts = tuple(filter(None, map(shape.cut, parts)))
    ring = parts[0][0] if parts else ()
    if len(parts) > 1 or any(len(part) > 1 for part in parts):
        shape.drop("outline_bridged")
        ring = bridged(parts)
    if not ring or _is_flat(ring, shape):
        shape.drop("empty_box")
        return None
    return shape.points(ring)


def _parts(annotation: Annotation, shape: _Shape) -> tuple[Part, ...]:
    parts = outlines(annotation)
    if parts and annotation.mask:
        shape.drop("mask_beside_outline")
    if parts or not annotation.mask:
        return parts
    if annotation.mask.size != (shape.height, shape.width):
        shape.drop("mask_of_other_size")
        return ()
    shape.drop("mask_as_outline")
    return trace(annotation.mask)


def _is_flat(ring: Ring, shape: _Shape) -> bool:
    """Says whether all points of a row have one x or one y, when they are rounded as they stand there."""
    edges = zip(map(min, zip(*ring, strict=True)), map(max, zip(*ring, strict=True)), strict=True)
    sizes = (shape.width, shape.height)
    return any(f"{low / size:.6f}" == f"{high / size:.6f}" for (low, high), size in zip(edges, sizes, strict=True))


def _pose(annotation: Annotation, shape: _Shape) -> str | None:
    keypoints = annotation.keypoints or ()
    box = box_of(annotation)
    seen = [(x, y) for x, y, visibility in keypoints if visibility]
    if box is None and seen:
        box = bounds(seen)
        shape.drop("box_from_keypoints")
    row = None if box is None else _box(box, shape)
    if row is None:
        return None
    if len(keypoints) != shape.keypoints:
        shape.drop("keypoints_padded" if len(keypoints) < shape.keypoints else "keypoints_cut")
        blanks = shape.keypoints - len(keypoints)
        keypoints = (*keypoints, *[(0.0, 0.0, 0.0)] * blanks)[: shape.keypoints]
    return " ".join([row, *(_keypoint(found, shape) for found in keypoints)])


def _keypoint(keypoint: Keypoint, shape: _Shape) -> str:
    x, y, visibility = keypoint
    if not visibility or not (0 <= x <= shape.width and 0 <= y <= shape.height):
        return NO_KEYPOINT
    return f"{shape.points([(x, y)])} {visibility:.0f}"


def _obb(annotation: Annotation, shape: _Shape) -> str | None:
    if annotation.box is not None and (annotation.rotation or not _has_outline(annotation)):
        points: Sequence[Point] = corners(annotation.box, annotation.rotation or 0.0)
    elif annotation.polygon and len(annotation.polygon) == 4:
        points = annotation.polygon
    else:
        rings = [part[0] for part in _parts(annotation, shape)]
        if not rings:
            return None
        points = corners(*smallest_box(point for ring in rings for point in ring))
        shape.drop("outline_as_box")
    kept = [(min(max(x, 0.0), shape.width), min(max(y, 0.0), shape.height)) for x, y in points]
    tiny = _ROUNDED * max(shape.width, shape.height)
    # Corners on one slanted line reach across the picture, and cover nothing.
    if _is_flat(tuple(kept), shape) or min(smallest_box(kept)[0][2:]) < tiny:
        shape.drop("empty_box")
        return None
    if any(abs(x - u) > tiny or abs(y - v) > tiny for (x, y), (u, v) in zip(points, kept, strict=True)):
        shape.drop("clipped_to_image")
    return shape.points(kept)


def _has_outline(annotation: Annotation) -> bool:
    return any((annotation.polygon, annotation.parts, annotation.mask))


_ROUNDED = 1e-5
"""What six decimals may move a corner by, as a share of the image."""
_NUMBERS: dict[Kind, Callable[[Annotation, _Shape], str | None]] = {
    "detect": _detect,
    "segment": _segment,
    "pose": _pose,
    "obb": _obb,
}
