"""Segmentation masks of Pascal VOC: indexed PNGs, one of classes and one of objects.

Index 0 is background and 255 is void: pixels that count for nothing. In the image of classes, index k is class k, from
1; in that of objects, object k of the XML file. Rushes writes no void border, because its masks know where they end;
labels of crowds are void.
"""

from __future__ import annotations

import functools
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from rushes.errors import AnnotationError
from rushes.formats.masks import box_of_mask, from_outlines, from_pixels, pixels
from rushes.formats.placing import outlines
from rushes.formats.sizes import DAMAGE
from rushes.formats.voc import Placed
from rushes.labels import Annotation, Mask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["VOID", "Drawn", "draw", "palette", "png", "with_masks"]

VOID = 255
_MAX_INDEX = 254
_MAX_PIXELS = 8192 * 8192


class Drawn(NamedTuple):
    """The two images of masks."""

    classes: NDArray[np.uint8]
    objects: NDArray[np.uint8]


def draw(
    placed: Sequence[Placed], annotations: Sequence[Annotation], width: int, height: int, classes: Sequence[str]
) -> tuple[Drawn | None, Counter[str]]:
    """Returns the masks of an image, of those objects that have outlines or pixels.

    Args:
        placed: The objects of the XML file.
        annotations: All labels of the image; those of crowds become void.
        width: Of the image, in pixels.
        height: Likewise.
        classes: Class names, the first of which has index 1.

    Returns:
        The masks, or None where no label has any; and what they cannot say, counted by reason code. Where two objects
        overlap, the later one is in front.

    Raises:
        ValueError: An object's class is not in `classes`.
    """
    reasons: Counter[str] = Counter()
    if not any(label.mask or label.polygon or label.parts for label in annotations):
        return None, reasons
    import numpy as np

    drawn = Drawn(np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8))
    any_mask = False
    for label in annotations:
        if label.crowd and (area := _area(label, width, height, reasons)) is not None:
            drawn.classes[area] = drawn.objects[area] = VOID
            any_mask = True
    for number, one in enumerate(placed, 1):
        area = _area(one.label, width, height, reasons)
        index = classes.index(one.label.label) + 1
        if area is None or max(number, index) > _MAX_INDEX:
            reasons["mask_unsupported"] += area is not None
            continue
        reasons["mask_overlapped"] += bool(((drawn.objects[area] != 0) & (drawn.objects[area] != VOID)).any())
        drawn.classes[area], drawn.objects[area] = index, number
        any_mask = True
    return drawn if any_mask else None, +reasons


def _area(label: Annotation, width: int, height: int, reasons: Counter[str]) -> NDArray[np.bool_] | None:
    if label.mask is not None and label.mask.size == (height, width):
        return pixels(label.mask)
    if label.mask is not None:
        reasons["mask_of_other_size"] += 1
    parts = outlines(label)
    if not parts:
        return None
    reasons["outline_as_pixels"] += 1
    return pixels(from_outlines(parts, height, width))


def _regions(indices: NDArray[np.uint8]) -> dict[int, Mask]:
    """Returns the masks of the indices of an image, without background and void."""
    import numpy as np

    return {int(index): from_pixels(indices == index) for index in np.unique(indices) if index not in (0, VOID)}


@functools.cache
def palette() -> bytes:
    """Returns the colours of the development kit: the bits of an index dealt to red, green and blue, highest first."""
    return bytes(
        sum((index >> (3 * bit + colour) & 1) << (7 - bit) for bit in range(8)) for index, colour in _entries()
    )


def _entries() -> list[tuple[int, int]]:
    return [(index, colour) for index in range(256) for colour in range(3)]


def png(indices: NDArray[np.uint8]) -> bytes:
    """Returns an image of indices as a PNG with the palette of the development kit."""
    from PIL import Image  # slow to import

    image = Image.fromarray(indices).convert("L")
    image.putpalette(palette())
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def _read_png(path: Path, where: str) -> NDArray[np.uint8]:
    """Returns the indices of a PNG.

    Raises:
        AnnotationError: It is no PNG of indices, too large, or damaged.
    """
    import numpy as np
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            if image.mode not in ("P", "L", "1") or image.width * image.height > _MAX_PIXELS:
                raise AnnotationError(
                    f"{where}: a PNG of mode {image.mode} and {image.width}x{image.height}; expected one of indices "
                    f"(mode P or L), of at most {_MAX_PIXELS} pixels."
                )
            return np.asarray(image, dtype=np.uint8)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, *DAMAGE) as error:
        raise AnnotationError(f"{where}: not a PNG that can be read: {error}. Expected masks by index.") from None


def with_masks(
    labels: Sequence[tuple[int | None, Annotation]],
    root: Path,
    identity: str,
    names: Sequence[str],
    dropped: Counter[str],
) -> tuple[Annotation, ...]:
    """Returns the labels of an image with their masks, and after them those that have nothing but a mask.

    Args:
        labels: Those of the XML file, each with its index in the image of objects.
        root: The dataset's folder.
        identity: The image's id.
        names: Classes, the first of which has index 1.
        dropped: Takes what cannot be kept, by reason code.

    Raises:
        AnnotationError: An image of masks cannot be read.
    """
    classes, objects = (_masks(root, kind, identity) for kind in ("SegmentationClass", "SegmentationObject"))
    bare = tuple(label for _, label in labels)
    if classes is None and objects is None:
        return bare
    dropped["void_pixels"] += any(found is not None and bool((found == VOID).any()) for found in (classes, objects))
    if objects is None:
        more = [(index, mask) for index, mask in _regions(classes).items()] if classes is not None else []
        return (*bare, *_new(more, names, dropped))
    found = _regions(objects)
    kept = tuple(replace(label, mask=found.pop(index, None)) if index else label for index, label in labels)
    return (*kept, *_new([(_class_of(mask, classes), mask) for mask in found.values()], names, dropped))


def _masks(root: Path, kind: str, identity: str) -> NDArray[np.uint8] | None:
    path = root / kind / f"{identity}.png"
    return _read_png(path, f"{kind}/{identity}.png") if path.is_file() else None


def _class_of(mask: Mask, classes: NDArray[np.uint8] | None) -> int:
    """Returns the index of the class that most pixels of an object have; 0 where nobody says."""
    import numpy as np

    if classes is None or classes.shape != mask.size:
        return 0
    counts = np.bincount(classes[pixels(mask)], minlength=256)
    counts[[0, VOID]] = 0
    return int(counts.argmax())


def _new(found: Iterable[tuple[int, Mask]], names: Sequence[str], dropped: Counter[str]) -> Iterator[Annotation]:
    for index, mask in found:
        if 0 < index <= len(names):
            yield Annotation(names[index - 1], box=box_of_mask(mask), mask=mask)
        else:
            dropped["mask_without_class"] += 1
