"""A COCO document that rows of a source file name: read once, and asked for one image at a time."""

from __future__ import annotations

import tempfile
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from rushes.errors import AnnotationError
from rushes.formats.coco_read import read_labels
from rushes.jsonl import decode, encode, storing
from rushes.labels import Annotation

__all__ = ["ImageLabels", "StoredDocument"]


class ImageLabels(NamedTuple):
    """What a document says of an image.

    Attributes:
        labelled: False where nobody said what is in it.
        annotations: Its labels.
        dropped: What these cannot say, counted by reason code.
        size: Its width and height, where the document says so.
    """

    labelled: bool
    annotations: tuple[Annotation, ...]
    dropped: dict[str, int]
    size: tuple[int, int] | None


class StoredDocument:
    """The labels of a document's images, in a temporary file; the names of the images are what stays in memory.

    Args:
        path: The document.

    Raises:
        AnnotationError: It is none of COCO's. It names file and place.
        DiskFullError: No space is left for the temporary file.
    """

    def __init__(self, path: Path) -> None:
        self._document = path.name
        self._places: dict[str, int] = {}
        self._full: dict[str, str] = {}
        self._file = tempfile.TemporaryFile(prefix="rushes-labels-")  # noqa: SIM115  closed by `close`
        try:
            self._fill(path)
        except BaseException:
            self.close()
            raise

    def labels(self, path: str) -> ImageLabels:
        """Returns the labels of the image that lies at a path.

        It is the image whose `file_name` the path ends with, the longest of them; or else the only one with the same
        name in another folder.

        Raises:
            AnnotationError: The document has no such image, or several.
        """
        place = self._places[self._found(path)]
        self._file.seek(place)
        return decode(self._file.readline(), ImageLabels, "temporary file")

    def close(self) -> None:
        """Removes the temporary file."""
        self._file.close()

    def _fill(self, path: Path) -> None:
        place = 0
        for number, (image, labels, dropped) in enumerate(read_labels(path)):
            name = str(PurePosixPath(image.file_name.replace("\\", "/")))
            if name in self._places:
                raise AnnotationError(f"{path.name}: images[{number}].file_name: {name!r} stands there twice.")
            self._places[name] = place
            short = PurePosixPath(name).name
            self._full[short] = "" if short in self._full else name
            counts = {reason: count for reason, count in sorted(dropped.items()) if count}
            with storing(Path("temporary file")):
                size = (image.width, image.height) if image.width and image.height else None
                place += self._file.write(encode(ImageLabels(image.labelled, labels, counts, size)) + b"\n")
        with storing(Path("temporary file")):
            self._file.flush()

    def _found(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        for begin in range(len(parts)):
            name = str(PurePosixPath(*parts[begin:]))
            if name in self._places:
                return name
        short = parts[-1] if parts else ""
        if full := self._full.get(short):
            return full
        if short not in self._full:
            raise AnnotationError(f"{self._document}: none of its {len(self._places)} images is named {short!r}.")
        raise AnnotationError(
            f"{self._document}: several of its images are named {short!r}, each in a folder, and the url names none of "
            "these folders."
        )
