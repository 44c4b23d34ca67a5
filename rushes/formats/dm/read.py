"""Reads a folder of DM documents.

    [train|valid|test/]json/<stem>.json  [train|valid|test/]original_files/<stem>.jpg

A file without a document is one that nobody labelled. Both versions may lie side by side: what a document is, it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from rushes.errors import ConfigError
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.dm.documents import version_of
from rushes.formats.dm.item import read_item
from rushes.formats.dm.labels import Names
from rushes.formats.dm.segmentation import Size
from rushes.formats.dm.values import load
from rushes.formats.dm.view import View, view_of
from rushes.formats.folder import categories_of, class_names, inside, read_whole, split_of
from rushes.formats.identity import Identities, stem
from rushes.formats.sizes import upright_size
from rushes.labels import Category

__all__ = ["read", "read_document"]

DOCUMENTS, ORIGINALS = "json", "original_files"
_MAX_BYTES = 2**26
"""Of a document of one file; every pixel of a 4K image, one by one, fits in."""
_SUFFIXES = {"video": ".mp4", "text": ".txt", "audio": ".wav", "pcd": ".pcd", "data": ".csv", "prompt": ".txt"}


class _File(NamedTuple):
    """A document, or an original without one, or both.

    Attributes:
        name: Path without suffix, from the folder of documents or of originals.
        split: Of its folder.
        folder: In which `json` and `original_files` lie, from the folder of the dataset.
        document: From the folder of the dataset.
        original: Likewise.
    """

    name: str
    split: str | None
    folder: str
    document: str | None
    original: str | None


def read(path: Path) -> Dataset:
    """Reads a dataset.

    Args:
        path: A folder with `json`, one with such folders of `train`, `valid` and `test`, or one document.

    Raises:
        ConfigError: There is no such folder.
        AnnotationError: A document is not what it should be; those come up while classes are gathered.
    """
    root, files = _files(path)
    if not any(file.document for file in files):
        raise ConfigError(f"{path}: expected a folder with DM documents in {DOCUMENTS}/, found none.")
    categories = _categories(root, files)
    names = {category.name: category.keypoints for category in categories if category.keypoints}
    return Dataset(root, categories, _items(root, files, names))


def read_document(
    path: Path, media: str, points: dict[str, tuple[str, ...]], size: Callable[[], tuple[int, int]]
) -> Labelled:
    """Reads one document, wherever its file is.

    Args:
        path: The document.
        media: Name of its file, which tells whether it is an image or a video.
        points: Names of the keypoints of each class; takes those that come up here, so that they keep their order from
            one document to the next.
        size: Looks at the file for the size of an image, where the document does not say it.

    Raises:
        AnnotationError: It is not what it should be.
    """
    view, is_v1 = _view(path.parent, path.name)
    for one in view.media:
        for label, names in view.skeletons(one):
            points[label] = tuple(dict.fromkeys([*points.get(label, ()), *names]))
    return read_item(Labelled("", media), view, "v1" if is_v1 else "v2", points, lambda: Size(*size()))


def _files(path: Path) -> tuple[Path, list[_File]]:
    if path.is_file():
        root = path.parents[1] if path.parent.name == DOCUMENTS else path.parent
        document = path.relative_to(root).as_posix()
        originals = _originals(root, "")
        return root, [_File(path.stem, None, "", document, originals.get(path.stem, [None])[0])]
    if (path / DOCUMENTS).is_dir():
        return path, list(_folder(path, "", None))
    if not path.is_dir():
        raise ConfigError(f"{path}: expected a folder with {DOCUMENTS}, or with train, valid and test that have one.")
    parts = sorted(
        part.name for part in path.iterdir() if any((part / name).is_dir() for name in (DOCUMENTS, ORIGINALS))
    )
    return path, [file for name in parts for file in _folder(path, f"{name}/", split_of(name))]


def _folder(root: Path, folder: str, split: str | None) -> Iterator[_File]:
    originals = _originals(root, folder)
    base = root / folder / DOCUMENTS
    documents = {
        stem(file.relative_to(base).as_posix()): file.relative_to(root).as_posix() for file in base.rglob("*.json")
    }
    for name in sorted(documents.keys() | originals.keys()):
        first, *others = originals.get(name, [None])
        yield _File(name, split, folder, documents.get(name), first)
        for other in others:
            yield _File(name, split, folder, None, other)


def _originals(root: Path, folder: str) -> dict[str, list[str | None]]:
    base = root / folder / ORIGINALS
    found: dict[str, list[str | None]] = {}
    for file in sorted(base.rglob("*")):
        if file.is_file() and not file.name.startswith("."):
            found.setdefault(stem(file.relative_to(base).as_posix()), []).append(file.relative_to(root).as_posix())
    return found


def _view(root: Path, document: str) -> tuple[View, bool]:
    found = load(read_whole(root / document, _MAX_BYTES, document), document)
    return view_of(found, document), version_of(found, document) == "v1"


def _categories(root: Path, files: list[_File]) -> tuple[Category, ...]:
    """Returns the classes, each with the names of its keypoints in the order in which they first come up."""
    used: set[str] = set()
    points: dict[str, dict[str, None]] = {}
    for file in files:
        if file.document is None:
            continue
        view, _ = _view(root, file.document)
        for media in view.media:
            for label, names in view.skeletons(media):
                points.setdefault(label, {}).update(dict.fromkeys(names))
            used.update(view.classes(media))
    found = categories_of(class_names(root), used)
    return tuple(Category(each.name, keypoints=tuple(points.get(each.name, ()))) for each in found)


def _items(root: Path, files: list[_File], names: Names) -> Iterator[Labelled]:
    identities = Identities(file.name for file in files)
    for file in files:
        path = file.original
        if file.document is None:
            bare = Labelled("", str(path), labelled=False, split=file.split)
        else:
            view, is_v1 = _view(root, file.document)
            path = path or f"{file.folder}{ORIGINALS}/{file.name}{_suffix(view)}"
            item = Labelled("", inside(path, file.document), split=file.split)
            bare = read_item(item, view, "v1" if is_v1 else "v2", names, _looker(root, path, file.document))
        identity = identities.take(file.name, str(path))
        if identity is not None:
            yield replace(bare, id=identity)


def _suffix(view: View) -> str:
    kind = next(iter(view.media), "image_1").rpartition("_")[0]
    return _SUFFIXES.get(kind, ".jpg")


def _looker(root: Path, path: str, where: str) -> Callable[[], Size]:
    return lambda: Size(*upright_size(root / path, where))
