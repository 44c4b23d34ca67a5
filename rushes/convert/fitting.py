"""The labels that a new dataset can have: its class names, inside of its images, and complete."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from rushes.formats.placing import box_of, clip, is_box_inside
from rushes.formats.relations import complete
from rushes.labels import Annotation
from rushes.records import MediaInfo

__all__ = ["Counts", "boxed", "fitted"]

Counts = defaultdict[str, int]
"""By reason code; made for each item, which a `Counter` takes long for."""


def boxed(label: Annotation, dropped: Counts) -> Annotation:
    """Returns a label without outlines and mask, and with the box around them where it has none of its own."""
    if not (label.polygon or label.parts or label.mask):
        return label
    if label.polygon or label.parts:
        dropped["polygon_unsupported"] += 1
    if label.mask:
        dropped["mask_unsupported"] += 1
    return replace(label, box=label.box or box_of(label), polygon=None, parts=None, mask=None)


def fitted(
    labels: Sequence[Annotation], renamed: Mapping[str, str], info: MediaInfo, dropped: Counts
) -> tuple[Annotation, ...]:
    """Returns labels under their new names and cut at the edges of their image; counts what is left out or changed."""
    is_image = info.media_type.startswith("image/")
    width, height = info.width, info.height
    found: list[Annotation] = []
    for label in labels:
        name = renamed.get(label.label)
        if name is None:
            dropped["class_not_listed"] += 1
            continue
        cut = label if is_box_inside(label, width, height) else _cut(label, info, dropped)
        if cut is not None:
            timed = is_image and (cut.frame is not None or cut.time_s is not None)
            found.append(_named(cut, name, timed) if timed or name != cut.label else cut)
    kept, dangling = complete(found)
    if dangling:
        dropped["relation_unsupported"] += dangling
    return kept


def _cut(label: Annotation, info: MediaInfo, dropped: Counts) -> Annotation | None:
    if not (info.width and info.height):
        return label
    cut, reason = clip(label, info.width, info.height)
    if reason is not None:
        dropped[reason] += 1
    return cut


def _named(label: Annotation, name: str, timed: bool) -> Annotation:
    """Returns a label under another name, and without a time where it has one in an image."""
    return replace(label, label=name, frame=None, time_s=None) if timed else replace(label, label=name)
