"""The labels that a new dataset can have: its class names, inside of its images, and complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from rushes.formats.placing import box_of, clip
from rushes.labels import Annotation
from rushes.records import MediaInfo

__all__ = ["boxed", "fitted"]


def boxed(label: Annotation, dropped: Counter[str]) -> Annotation:
    """Returns a label without outlines and mask, and with the box around them where it has none of its own."""
    if not (label.polygon or label.parts or label.mask):
        return label
    if label.polygon or label.parts:
        dropped["polygon_unsupported"] += 1
    if label.mask:
        dropped["mask_unsupported"] += 1
    return replace(label, box=label.box or box_of(label), polygon=None, parts=None, mask=None)


def fitted(
    labels: Sequence[Annotation], renamed: Mapping[str, str], info: MediaInfo, dropped: Counter[str]
) -> tuple[Annotation, ...]:
    """Returns labels under their new names and cut at the edges of their image; counts what is left out or changed."""
    return _related(tuple(_cut(labels, renamed, info, dropped)), dropped)


def _cut(
    labels: Sequence[Annotation], renamed: Mapping[str, str], info: MediaInfo, dropped: Counter[str]
) -> Iterator[Annotation]:
    is_image = info.media_type.startswith("image/")
    for label in labels:
        name = renamed.get(label.label)
        if name is None:
            dropped["class_not_listed"] += 1
            continue
        fitted, reason = clip(label, info.width, info.height) if info.width and info.height else (label, None)
        if reason is not None:
            dropped[reason] += 1
        if fitted is None:
            continue
        changes: dict[str, Any] = {} if name == label.label else {"label": name}
        if is_image and (label.frame is not None or label.time_s is not None):
            changes |= {"frame": None, "time_s": None}
        yield replace(fitted, **changes) if changes else fitted


def _related(labels: tuple[Annotation, ...], dropped: Counter[str]) -> tuple[Annotation, ...]:
    """Returns labels without relations that lead to one that was left out."""
    if not any(label.relation for label in labels):
        return labels
    known = {label.id for label in labels}
    kept = tuple(label for label in labels if label.relation is None or known.issuperset(label.relation))
    dropped["relation_unsupported"] += len(labels) - len(kept)
    return kept
