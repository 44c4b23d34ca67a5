"""Panoptic segments: a picture beside the document, in which the colour of a pixel says which segment it is of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rushes.errors import AnnotationError
from rushes.formats.coco_labels import Identity, Segment
from rushes.formats.masks import MAX_PIXELS, from_pixels
from rushes.labels import Annotation, Category

__all__ = ["segments"]


def segments(
    path: Path, found: Sequence[Segment], categories: Mapping[Identity, Category], where: str
) -> Iterator[Annotation]:
    """Yields the segments of one picture as labels with masks.

    Args:
        path: The PNG.
        found: What the document says of its segments; an id is red + 256 green + 65536 blue.
        categories: The document's, by id.
        where: What messages call the annotation.

    Raises:
        AnnotationError: The picture is missing, damaged or too large, or a segment is not in it or of no category.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                raise AnnotationError(f"{where}: {path.name} has more than {MAX_PIXELS} pixels.")
            colours = np.asarray(opened.convert("RGB"), dtype=np.uint32) @ np.array([1, 256, 65536], np.uint32)
    except (OSError, ValueError, SyntaxError) as error:
        raise AnnotationError(f"{where}.file_name: {path.name} cannot be read as PNG: {error}.") from None
    for number, segment in enumerate(found):
        category = categories.get(segment.category_id)
        if category is None:
            raise AnnotationError(
                f"{where}.segments_info[{number}].category_id: no category has the id {segment.category_id!r}."
            )
        pixels = colours == segment.id
        if not pixels.any():
            raise AnnotationError(f"{where}.segments_info[{number}].id: no pixel of {path.name} has {segment.id}.")
        yield Annotation(category.name, mask=from_pixels(pixels), crowd=bool(segment.iscrowd))
