"""COCO's objects as they stand in a document, and the labels that they are."""

from __future__ import annotations

import math
import reprlib
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from rushes.errors import AnnotationError
from rushes.formats.coco import FLAGS
from rushes.formats.masks import check_mask, from_runs
from rushes.labels import Annotation, Box, Category, Keypoint, Mask, Ring

__all__ = ["Identity", "RawAnnotation", "RawCategory", "RawImage", "category_of", "forget_outlines", "label_of"]

_NOTHING = tuple(map(Raw, (b"[]", b"{}", b"null", b'""')))
_Pixels = Annotated[float, Meta(gt=-(2**53), lt=2**53)]
_Whole = Annotated[int, Meta(ge=0, lt=2**53)]
Identity = Annotated[int, Meta(ge=-(2**62), le=2**62)] | str


class RawImage(msgspec.Struct, gc=False, frozen=True):
    """An object of `images`."""

    id: Identity
    file_name: str
    width: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    height: Annotated[int, Meta(ge=0, lt=2**31)] | None = None
    coco_url: str | None = None
    labelled: bool = True


class Segment(msgspec.Struct, gc=False, frozen=True):
    """A segment of a panoptic picture; its id is the colour that its pixels have."""

    id: Annotated[int, Meta(ge=0, lt=2**24)]
    category_id: Identity
    iscrowd: int | bool = 0


class RawAnnotation(msgspec.Struct, gc=False, omit_defaults=True):
    """An object of `annotations`; what its segmentation holds is decoded where it is asked for."""

    image_id: Identity
    category_id: Identity | None = None
    id: Identity | None = None
    bbox: list[_Pixels] | None = None
    segmentation: Raw = Raw(b"[]")
    iscrowd: int | bool | None = 0
    keypoints: list[_Pixels] | None = None
    attributes: dict[str, Any] | None = None
    track_id: int | str | None = None
    score: float | None = None
    caption: str | None = None
    file_name: str | None = None
    segments_info: list[Segment] | None = None


class RawCategory(msgspec.Struct, gc=False, frozen=True):
    """An object of `categories`."""

    id: Identity
    name: Annotated[str, Meta(min_length=1)]
    supercategory: str | None = None
    keypoints: list[str] | None = None
    skeleton: list[tuple[int, int]] | None = None
    flip: list[int] | None = None


class _Runs(msgspec.Struct, gc=False):
    size: tuple[_Whole, _Whole]
    counts: str | list[_Whole]


_BRACE = ord("{")
_OUTLINE, _RUNS = Raw(b"[0]"), Raw(b'{"0":0}')
"""What stands for a segmentation that was not asked for."""
_segmentation = msgspec.json.Decoder(list[list[_Pixels]] | _Runs)


def forget_outlines(found: Sequence[RawAnnotation]) -> None:
    """Forgets what segmentations hold, where there is a box, and keeps that there was one, and of which kind."""
    for annotation in found:
        segmentation = annotation.segmentation
        if annotation.bbox and segmentation not in _NOTHING:
            annotation.segmentation = _RUNS if memoryview(segmentation)[0] == _BRACE else _OUTLINE


def category_of(raw: RawCategory, where: str) -> Category:
    """Returns a category, its skeleton counted from 0.

    Raises:
        AnnotationError: Its skeleton or its mirror name keypoints that it does not have.
    """
    count = len(raw.keypoints or ())
    skeleton = tuple((begin - 1, end - 1) for begin, end in raw.skeleton or ())
    flip = tuple(raw.flip or ())
    if not all(0 <= index < count for pair in skeleton for index in pair):
        raise AnnotationError(f"{where}.skeleton: expected pairs of keypoints from 1 to {count}.")
    if flip and sorted(flip) != list(range(count)):
        raise AnnotationError(f"{where}.flip: expected each keypoint from 0 to {count - 1} once.")
    if not raw.name.strip() or len(raw.name.splitlines()) != 1:
        raise AnnotationError(f"{where}.name = {raw.name!r}: expected the name of a class, in one line.")
    number = raw.id if isinstance(raw.id, int) else None
    return Category(raw.name, number, raw.supercategory or "", tuple(raw.keypoints or ()), skeleton, flip)


def label_of(raw: RawAnnotation, name: str, dropped: Counter[str]) -> Annotation | None:
    """Returns the label that an annotation is, or None where it is none.

    Args:
        raw: The annotation.
        name: Its class.
        dropped: Counts what the label cannot say.

    Raises:
        ValueError: It is not one of COCO's; the message begins with the key.
    """
    box = _box(raw.bbox)
    if box is not None and (box[2] < 0 or box[3] < 0):
        dropped["empty_box"] += 1
        return None
    shape: dict[str, Any] = {}
    segmentation = raw.segmentation
    if segmentation == _OUTLINE:
        dropped["polygon_unsupported"] += 1
    elif segmentation == _RUNS:
        dropped["mask_unsupported"] += 1
    elif segmentation not in _NOTHING:
        shape = _shape(segmentation, dropped)
    if raw.keypoints:
        shape["keypoints"] = _keypoints(raw.keypoints)
    if raw.attributes or raw.track_id is not None or raw.score is not None or raw.caption is not None:
        shape |= _said(raw, box is not None and not shape)
    if raw.iscrowd:
        shape["crowd"] = True
    return Annotation(name, box, **shape) if shape else Annotation(name, box)


def _box(bbox: list[float] | None) -> Box | None:
    if not bbox:
        return None
    if len(bbox) != 4:
        raise ValueError(f"bbox = {reprlib.repr(bbox)}: expected [x, y, width, height]")
    x, y, width, height = bbox
    return x, y, width, height


def _keypoints(flat: list[float]) -> tuple[Keypoint, ...]:
    if len(flat) % 3 or not {0, 1, 2}.issuperset(flat[2::3]):
        raise ValueError("keypoints: expected [x, y, visibility, …] with visibility 0, 1 or 2")
    return tuple(zip(flat[::3], flat[1::3], flat[2::3], strict=True))


def _shape(raw: Raw, dropped: Counter[str]) -> dict[str, Any]:
    """Returns the outline or the mask that a segmentation is, as fields of a label."""
    try:
        found = _segmentation.decode(raw)
        if isinstance(found, _Runs):
            return {"mask": _mask(found)}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise ValueError(f"segmentation: {str(error).rstrip('.')}") from None
    rings = [ring for ring in map(_ring, found) if len(ring) >= 3]
    if any(len(flat) % 2 for flat in found):
        raise ValueError("segmentation: expected rings [x1, y1, x2, y2, …], found one of odd length")
    if len(rings) < len(found):
        dropped["degenerate_outline"] += len(found) - len(rings)
    if len(rings) > 1:
        return {"parts": tuple((ring,) for ring in rings)}
    return {"polygon": rings[0]} if rings else {}


def _ring(flat: Sequence[float]) -> Ring:
    ring = tuple(zip(flat[::2], flat[1::2], strict=False))
    while len(ring) > 3 and ring[0] == ring[-1]:
        ring = ring[:-1]
    return ring


def _mask(runs: _Runs) -> Mask:
    if isinstance(runs.counts, str):
        return check_mask(Mask(runs.size, runs.counts))
    return from_runs(runs.counts, *runs.size)


def _said(raw: RawAnnotation, turned: bool) -> dict[str, Any]:
    """Returns what an annotation says in words: attributes, some of which are fields of a label.

    Args:
        raw: The annotation.
        turned: Whether a rotation among them would be that of its box.
    """
    attributes = dict(raw.attributes or {})
    found: dict[str, Any] = {name: attributes.pop(name) for name in FLAGS if isinstance(attributes.get(name), bool)}
    track = raw.track_id if raw.track_id is not None else attributes.get("track_id")
    if isinstance(track, int | str) and not isinstance(track, bool) and track != "":
        attributes.pop("track_id", None)
        found["track"] = str(track)
    degrees = attributes.get("rotation")
    if turned and isinstance(degrees, int | float) and not isinstance(degrees, bool) and abs(degrees) < 2**53:
        attributes.pop("rotation")  # CVAT's, in degrees; 0 of all that are not turned
        found["rotation"] = math.radians(degrees) or None
    more = {"score": raw.score, "caption": raw.caption}
    found["attributes"] = attributes | {key: value for key, value in more.items() if value is not None}
    return found
