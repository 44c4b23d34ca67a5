"""YOLO detection labels: one text file an image, one row `class cx cy width height` a box, all of it normalised.

Format: https://docs.ultralytics.com/datasets/detect/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rushes.formats.geometry import clamp_box
from rushes.formats.placing import box_of
from rushes.labels import Annotation, Box

__all__ = ["render"]


def render(
    annotations: Sequence[Annotation], width: int, height: int, classes: Sequence[str]
) -> tuple[list[str], Counter[str]]:
    """Returns the rows of one image's label file.

    Args:
        annotations: Labels in pixels of the image.
        width: Of the image, in pixels.
        height: Likewise.
        classes: Class names; a row holds the index.

    Returns:
        Rows in the order of the labels, and what a detection row cannot say, counted by reason code.

    Raises:
        ValueError: A label's class is not in `classes`.
    """
    rows: dict[str, None] = {}
    reasons: Counter[str] = Counter()
    for annotation in annotations:
        reasons.update(_unsaid(annotation))
        box = box_of(annotation)
        if box is None:
            continue
        row = _row(classes.index(annotation.label), clamp_box(box, width, height), width, height)
        if row is None or row in rows:
            reasons["empty_box" if row is None else "duplicate_label"] += 1
        else:
            rows[row] = None
    return list(rows), reasons


def _row(index: int, box: Box, width: int, height: int) -> str | None:
    x, y, box_width, box_height = box
    size = f"{box_width / width:.6f} {box_height / height:.6f}"
    if "0.000000" in size.split():
        return None
    return f"{index} {(x + box_width / 2) / width:.6f} {(y + box_height / 2) / height:.6f} {size}"


def _unsaid(annotation: Annotation) -> list[str]:
    found = {
        "polygon_unsupported": annotation.polygon,
        "keypoints_unsupported": annotation.keypoints,
        "rotation_unsupported": annotation.rotation,
        "item_label_unsupported": not (annotation.box or annotation.polygon or annotation.keypoints),
    }
    return [reason for reason, present in found.items() if present]
