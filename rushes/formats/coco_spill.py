"""Annotations by image, whatever the order in which they stand in the file, and however many they are.

Few are kept in memory. Many go to files on the disk, each of which holds those of neighbouring images, as the document
has them; one file at a time is read again and put in order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import msgspec

from rushes.formats.coco_labels import RawAnnotation
from rushes.jsonl import storing

__all__ = ["Grouped"]

IN_MEMORY_BYTES = 64 * 2**20
"""Documents up to this size are not spilled."""
BUCKET_BYTES = 24 * 2**20
MAX_BUCKETS = 200

_Numbered = tuple[int, int, RawAnnotation]
"""Index of the image, index of the annotation, and the annotation."""


class Grouped:
    """Annotations that come in the order of a file, and go out by image.

    Args:
        images: How many images there are.
        size_bytes: Of the document.
    """

    def __init__(self, images: int, size_bytes: int) -> None:
        self._images = max(images, 1)
        self._few: list[list[tuple[int, RawAnnotation]] | None] = []
        self._buckets: list[IO[bytes]] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if size_bytes <= IN_MEMORY_BYTES:
            self._few = [None] * images
            return
        self._folder = tempfile.TemporaryDirectory(prefix="rushes-coco-")
        count = min(size_bytes // BUCKET_BYTES + 1, MAX_BUCKETS, self._images)
        self._buckets = [_opened(Path(self._folder.name, str(number))) for number in range(count)]
        self._encoder = msgspec.json.Encoder()

    def add(self, first: int, images: Sequence[int], annotations: Sequence[RawAnnotation]) -> None:
        """Takes annotations.

        Args:
            first: Index of the first of them in the document.
            images: Index of the image of each.
            annotations: The annotations.

        Raises:
            DiskFullError: No space is left for temporary files.
        """
        if not self._buckets:
            for number, (image, annotation) in enumerate(zip(images, annotations, strict=True), first):
                found = self._few[image]
                if found is None:
                    self._few[image] = [(number, annotation)]
                else:
                    found.append((number, annotation))
            return
        sorted_out: list[list[_Numbered]] = [[] for _ in self._buckets]
        for number, (image, annotation) in enumerate(zip(images, annotations, strict=True), first):
            sorted_out[image * len(self._buckets) // self._images].append((image, number, annotation))
        with storing(Path("temporary file")):
            for bucket, numbered in zip(self._buckets, sorted_out, strict=True):
                if numbered:
                    # Pretty documents have line breaks inside of what is kept undecoded, and only there.
                    bucket.write(self._encoder.encode(numbered).replace(b"\n", b" ") + b"\n")

    def by_image(self) -> Iterator[Sequence[tuple[int, RawAnnotation]]]:
        """Yields the annotations of each image, with their index in the document; once."""
        if not self._buckets:
            yield from ((found or ()) for found in self._few)
            return
        try:
            image = 0
            for number, bucket in enumerate(self._buckets):
                found = _read(bucket)
                while image < self._images and image * len(self._buckets) // self._images == number:
                    yield found.pop(image, ())
                    image += 1
        finally:
            self.close()

    def close(self) -> None:
        """Removes what is on the disk."""
        for bucket in self._buckets:
            bucket.close()
        if self._folder is not None:
            self._folder.cleanup()


def _opened(path: Path) -> IO[bytes]:
    return path.open("w+b")


def _read(bucket: IO[bytes]) -> dict[int, list[tuple[int, RawAnnotation]]]:
    with storing(Path("temporary file")):
        bucket.flush()
        bucket.seek(0)
    found: dict[int, list[tuple[int, RawAnnotation]]] = {}
    decoder = msgspec.json.Decoder(list[_Numbered])
    for line in bucket:
        for image, number, annotation in decoder.decode(line):
            found.setdefault(image, []).append((number, annotation))
    bucket.truncate(0)
    return found
