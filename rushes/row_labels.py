"""The `annotations` of a row: labels as they stand there, or the file that holds them.

A file is a COCO document, of which the row's image is taken; or one image's VOC (`.xml`), YOLO (`.txt`) or DM document.
Readers are imported when a row needs them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from rushes.cells import printable, shown
from rushes.datasets import detect
from rushes.errors import AnnotationError, ConfigError
from rushes.formats.annotation import parse
from rushes.formats.folder import CLASSES, class_names
from rushes.formats.sizes import upright_size
from rushes.labels import Annotation
from rushes.transfer.local import is_local, local_path, path_from

if TYPE_CHECKING:
    from rushes.row_coco import StoredDocument

__all__ = ["LabelFiles", "RowLabels"]

MAX_DOCUMENTS = 4
"""COCO documents that are kept at a time: those of a few splits."""

_SUFFIXES = (".json", ".xml", ".txt")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.IGNORECASE)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class RowLabels(NamedTuple):
    """What a row's `annotations` say.

    Attributes:
        annotations: The labels; None where nobody said what is in the image.
        dropped: What the format says and labels cannot say, counted by reason code.
        attributes: What else the file says of the image.
    """

    annotations: tuple[Annotation, ...] | None
    dropped: Mapping[str, int] = _NOTHING
    attributes: Mapping[str, Any] = _NOTHING


class LabelFiles:
    """Reads the `annotations` of the rows of one source file; a COCO document once for all rows that name it.

    Args:
        folder: From which paths count; None where the source file is not of this machine, and names none of its files.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._documents: OrderedDict[Path, StoredDocument | str] = OrderedDict()
        self._points: dict[str, tuple[str, ...]] = {}

    def read(self, value: object, url: str, where: str) -> RowLabels:
        """Returns the labels that a cell holds, or those of the file that it names.

        Args:
            value: The cell.
            url: Of the row's media, absolute.
            where: Where the row stands, like `items.csv:12`.

        Raises:
            AnnotationError: They are not what they should be; it names the row, the file and the place in it.
        """
        text = value.strip() if isinstance(value, str) else ""
        if not _URL.match(text) and not text.lower().endswith(_SUFFIXES):
            return RowLabels(parse(value, where))
        try:
            return self._of_file(self._path(text), url)
        except (AnnotationError, ConfigError) as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}."
        raise AnnotationError(f"{where}: annotations = {shown(text)}: {reason}")

    def close(self) -> None:
        """Removes what is on the disk."""
        while self._documents:
            self._forget()

    def _path(self, text: str) -> Path:
        if self._folder is None or (_URL.match(text) and not is_local(text)):
            raise AnnotationError(
                "labels are not read from URLs. Put the source file and the label files on this machine, or the labels "
                "into the column."
            )
        try:
            path = path_from(text, self._folder)
        except ValueError:
            raise AnnotationError("expected a path, or file:///path.") from None
        if printable(text) != text or not path.is_file():
            raise AnnotationError("no such file. Paths count from the folder of the source file.")
        return path

    def _of_file(self, path: Path, url: str) -> RowLabels:
        suffix = path.suffix.lower()
        if suffix == ".xml":
            return _of_voc(path)
        if suffix == ".txt":
            return _of_yolo(path, url)
        kind = "coco" if path in self._documents else detect(path) if suffix == ".json" else None
        if kind == "coco":
            return self._of_document(path, url)
        if kind == "dm":
            return self._of_dm(path, url)
        raise AnnotationError("expected a COCO or DM document (.json), or a VOC (.xml) or YOLO (.txt) file.")

    def _of_document(self, path: Path, url: str) -> RowLabels:
        if path not in self._documents:
            if len(self._documents) == MAX_DOCUMENTS:
                self._forget()
            self._documents[path] = _document(path)
        self._documents.move_to_end(path)
        found = self._documents[path]
        if isinstance(found, str):
            raise AnnotationError(found)
        labels = found.labels(_path_of(url))
        return RowLabels(labels.annotations if labels.labelled else None, labels.dropped)

    def _of_dm(self, path: Path, url: str) -> RowLabels:
        from rushes.formats.dm.read import read_document

        found = read_document(path, PurePosixPath(_path_of(url)).name, self._points, lambda: _size(url))
        return RowLabels(found.annotations, attributes=found.attributes)

    def _forget(self) -> None:
        _, found = self._documents.popitem(last=False)
        if not isinstance(found, str):
            found.close()


def _document(path: Path) -> StoredDocument | str:
    """Returns a document, or what is wrong with it: no row that names it needs it read once more."""
    from rushes.row_coco import StoredDocument

    try:
        return StoredDocument(path)
    except AnnotationError as error:
        return str(error)


def _of_voc(path: Path) -> RowLabels:
    from rushes.formats.voc_read import read_labels

    labels, dropped = read_labels(path)
    return RowLabels(labels, {reason: count for reason, count in sorted(dropped.items()) if count})


def _of_yolo(path: Path, url: str) -> RowLabels:
    from rushes.formats.yolo_read import read_labels

    return RowLabels(read_labels(path, _classes(path), *_size(url)))


def _path_of(url: str) -> str:
    return unquote(urlsplit(url).path)


def _classes(path: Path) -> tuple[str, ...]:
    """Returns the names of classes, which tools put beside the labels, or beside the folder `labels`."""
    for folder in (path.parent, path.parent.parent):
        names = class_names(folder)
        if names is not None:
            return names
    raise AnnotationError(f"{path.name}: its classes are numbers; expected their names in {CLASSES} beside it.")


def _size(url: str) -> tuple[int, int]:
    if not is_local(url):
        raise AnnotationError(
            "only the picture says how large it is, and it was not fetched yet. Where pictures come from the network, "
            "give labels in pixels: COCO, VOC, or JSON in the column."
        )
    path = local_path(url)
    return upright_size(path, path.name)
