"""A COCO document of any size, made in seconds: objects as many, as large and as crooked as in val2017."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

__all__ = ["BLOCK", "write_document"]

BLOCK = 5_000
"""Images after which objects repeat, under other ids."""
_CLASSES = 80
_SIZE = (640, 480)


def write_document(path: Path, images: int, order: Sequence[str] = ("images", "annotations", "categories")) -> int:
    """Writes a document and returns how many annotations it has.

    Args:
        path: Where to.
        images: How many.
        order: Of its keys.
    """
    written = {"annotations": 0}
    with path.open("wb", buffering=2**20) as file:
        file.write(b'{"info": {"description": "made for a benchmark"}, "licenses": []')
        for key in order:
            file.write(b', "%s": [' % key.encode())
            for number, text in enumerate(_OBJECTS[key](images)):
                file.write((b", " if number else b"") + text)
                written[key] = number + 1
            file.write(b"]")
        file.write(b"}")
    return written["annotations"]


def _images(count: int) -> Iterator[bytes]:
    width, height = _SIZE
    for number in range(count):
        name = b"%012d.jpg" % number
        yield (
            b'{"license": 4, "file_name": "%s", "coco_url": "http://images.cocodataset.org/val2017/%s", '
            b'"height": %d, "width": %d, "date_captured": "2013-11-14 17:02:52", "id": %d}'
            % (name, name, height, width, _image_id(number))
        )


def _categories(count: int) -> Iterator[bytes]:
    for number in range(_CLASSES):
        name = b"thing %d" % number
        yield b'{"supercategory": "object", "id": %d, "name": "%s"}' % (_category_id(number), name)


def _annotations(count: int) -> Iterator[bytes]:
    block = list(_block())
    identity = 900_000
    for first in range(0, count, BLOCK):
        for image, text in block:
            if first + image < count:
                identity += 1
                yield b'{"id": %d, "image_id": %d, %s' % (identity, _image_id(first + image), text)


def _block() -> Iterator[tuple[int, bytes]]:
    """Yields the image, and all but the ids, of the objects of the first images."""
    draw = random.Random(2017)
    for image in range(BLOCK):
        for _ in range(min(int(draw.expovariate(1 / 7.8)), 60)):
            yield image, msgspec.json.encode(_object(draw))[1:]


def _object(draw: random.Random) -> dict[str, object]:
    width, height = draw.uniform(4, 300), draw.uniform(4, 220)
    x, y = draw.uniform(0, _SIZE[0] - width), draw.uniform(0, _SIZE[1] - height)
    box = [round(value, 2) for value in (x, y, width, height)]
    points = ((x + draw.random() * width, y + draw.random() * height) for _ in range(draw.randint(6, 60)))
    ring = [round(value, 2) for point in points for value in point]
    category = _category_id(draw.randrange(_CLASSES))
    found = {"category_id": category, "iscrowd": 0, "area": round(width * height * 0.6, 4), "bbox": box}
    return {**found, "segmentation": [ring]}


def _image_id(number: int) -> int:
    return 100 + 7 * number


def _category_id(number: int) -> int:
    """Returns ids with gaps, as COCO's own are."""
    return number + 1 + number // 10


_OBJECTS = {"images": _images, "annotations": _annotations, "categories": _categories}
