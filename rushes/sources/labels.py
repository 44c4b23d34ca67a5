"""The `annotations` of a row: labels as they stand there, or the file that holds them.

A file is a COCO document, of which the row's image is taken; or one image's VOC (`.xml`), YOLO (`.txt`) or DM document.
It lies on this machine, or is fetched (`rushes.sources.fetched`).
Readers are imported when a row needs them.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from rushes.datasets import detect
from rushes.errors import (
    AnnotationError,
    BadURLError,
    ConfigError,
    DiskFullError,
    DownloadError,
    HTTPStatusError,
    RushesError,
    StorageError,
)
from rushes.formats.annotation import parse
from rushes.formats.folder import CLASSES, class_names
from rushes.formats.sizes import upright_size
from rushes.labels import Annotation
from rushes.sources.cells import printable, shown
from rushes.sources.fetched import FetchedFiles
from rushes.sources.urls import resolved
from rushes.transfer.local import is_local, local_path, path_from

if TYPE_CHECKING:
    from rushes.config import DownloadConfig
    from rushes.formats.dataset import Labelled
    from rushes.sources.coco import StoredDocument

__all__ = ["LabelFiles", "RowLabels"]

MAX_DOCUMENTS = 4
"""COCO documents that are kept at a time: those of a few splits."""

_SUFFIXES = (".json", ".xml", ".txt")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.IGNORECASE)
E = TypeVar("E", bound=RushesError)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class RowLabels(NamedTuple):
    """What a row's `annotations` say.

    Attributes:
        annotations: The labels; None where nobody said what is in the image.
        dropped: What the format says and labels cannot say, counted by reason code.
        attributes: What else the file says of the image.
        size: Width and height of the image, where the file says so.
        label: Its class as a whole, likewise.
    """

    annotations: tuple[Annotation, ...] | None
    dropped: Mapping[str, int] = _NOTHING
    attributes: Mapping[str, Any] = _NOTHING
    size: tuple[int, int] | None = None
    label: str | None = None


class LabelFiles:
    """Reads the `annotations` of the rows of one source file; a COCO document once for all rows that name it.

    Args:
        base: Folder, or URL, of the source file: from where paths count. From a URL, none of this machine is named.
        config: How files are fetched that are named by URL.

    Attributes:
        ahead: How many rows ahead it is worth to say what they name.
    """

    def __init__(self, base: Path | str, config: DownloadConfig) -> None:
        self._base, self._fetched = base, FetchedFiles(config)
        self.ahead = 2 * config.concurrency
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
            DownloadError: The file cannot be fetched; any of its kinds, likewise.
            StorageError: A storage does not give it.
        """
        text = _named(value)
        if text is None:
            return RowLabels(parse(value, where))
        try:
            link = self._link(text, where)
            return self._of_file(self._path(text) if link is None else self._fetched.get(link), url, link)
        except DiskFullError:
            raise
        except (DownloadError, StorageError) as error:
            raise _of_row(error, f"{where}: annotations = {shown(text)}: ") from None
        except (AnnotationError, ConfigError) as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot be read: {error.strerror or error}."
        raise AnnotationError(f"{where}: annotations = {shown(text)}: {reason}")

    def expect(self, value: object) -> bool:
        """Begins to fetch the file that a cell names, before its row is read; False where it names none by URL."""
        text = _named(value)
        with suppress(BadURLError):  # said when the row is read
            if text is not None and (link := self._link(text, "")):
                self._fetched.expect(link)
                return True
        return False

    def close(self) -> None:
        """Removes what is on the disk."""
        self._fetched.close()
        while self._documents:
            self._forget()

    def _link(self, text: str, where: str) -> str | None:
        """Returns the URL to fetch a file from; None where it is one of this machine."""
        if isinstance(self._base, Path) and (is_local(text) or not _URL.match(text)):
            return None
        return resolved(text, self._base, where, "annotations")

    def _path(self, text: str) -> Path:
        try:
            path = path_from(text, Path(self._base))
        except ValueError:
            raise AnnotationError("expected a path, or file:///path.") from None
        if printable(text) != text or not path.is_file():
            raise AnnotationError("no such file. Paths count from the folder of the source file.")
        return path

    def _of_file(self, path: Path, url: str, link: str | None) -> RowLabels:
        suffix = path.suffix.lower()
        if suffix == ".xml":
            return _of_voc(path)
        if suffix == ".txt":
            return _of_yolo(path, self._classes(link) if link else _classes(path), url)
        kind = "coco" if path in self._documents else detect(path) if suffix == ".json" else None
        if kind == "coco":
            return self._of_document(path, url)
        if kind == "dm":
            return self._of_dm(path, url)
        raise AnnotationError("expected a COCO or DM document (.json), or a VOC (.xml) or YOLO (.txt) file.")

    def _classes(self, link: str) -> tuple[str, ...]:
        """Returns the names of classes beside a file that was fetched, or beside its folder."""
        for place in (CLASSES, f"../{CLASSES}"):
            with suppress(BadURLError, HTTPStatusError):
                names = class_names(self._fetched.get(resolved(place, link, "")).parent)
                if names is not None:
                    return names
        raise AnnotationError(f"its classes are numbers; expected their names in {CLASSES} beside it.")

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
        return RowLabels(labels.annotations if labels.labelled else None, labels.dropped, size=labels.size)

    def _of_dm(self, path: Path, url: str) -> RowLabels:
        from rushes.formats.dm.read import read_document

        found = read_document(path, PurePosixPath(_path_of(url)).name, self._points, lambda: _size(url))
        return RowLabels(found.annotations, attributes=found.attributes, size=_size_of(found), label=found.label)

    def _forget(self) -> None:
        _, found = self._documents.popitem(last=False)
        if not isinstance(found, str):
            found.close()


def _named(value: object) -> str | None:
    """Returns the path or the URL that a cell names; None where it holds labels, or nothing."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _URL.match(text) or text.lower().endswith(_SUFFIXES) else None


def _of_row(error: E, begin: str) -> E:
    """Returns an error with the place of its row before its message."""
    if not str(error).startswith(begin):
        error = copy(error)
        error.args = (f"{begin}{error}", *error.args[1:])
    return error


def _document(path: Path) -> StoredDocument | str:
    """Returns a document, or what is wrong with it: no row that names it needs it read once more."""
    from rushes.sources.coco import StoredDocument

    try:
        return StoredDocument(path)
    except AnnotationError as error:
        return str(error)


def _of_voc(path: Path) -> RowLabels:
    from rushes.formats.voc_read import read_labels

    found = read_labels(path)
    return RowLabels(found.annotations, found.dropped, size=_size_of(found))


def _of_yolo(path: Path, classes: tuple[str, ...], url: str) -> RowLabels:
    from rushes.formats.yolo_read import read_labels

    return RowLabels(read_labels(path, classes, *_size(url)))


def _size_of(found: Labelled) -> tuple[int, int] | None:
    return (found.width, found.height) if found.width and found.height else None


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
