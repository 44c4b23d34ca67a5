"""COCO datasets: a document, or a folder with the documents of its splits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from rushes.errors import AnnotationError
from rushes.formats.coco_document import Document
from rushes.formats.coco_labels import RawAnnotation, RawImage
from rushes.formats.coco_panoptic import segments
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import inside
from rushes.formats.identity import Identities, is_there, stem
from rushes.labels import Annotation, Category

__all__ = ["find_documents", "read", "read_labels"]

Split = Literal["train", "val", "test"]

_KINDS = ("instances_*.json", "person_keypoints_*.json", "panoptic_*.json", "*.json")
_SPLIT = re.compile(r"(?:^|[^a-z])(train|valid|val|test)(?:idation)?(?:[^a-z]|$)")
_FOLDERS = ("images/{stem}", "images/{split}", "{split}", "{stem}", "images", "data", "")
_PLAIN = re.compile(r"[^./\\\0:][^/\\\0:]{0,99}")
_NAMES = {"val": ("val", "valid", "validation")}


@dataclass(frozen=True, slots=True)
class _Found:
    """A document, its split, and where its file names count from, seen from the dataset's folder."""

    document: Document
    split: Split | None
    images: str


def read(path: Path, outlines: bool = True) -> Dataset:
    """Reads a dataset: instances, keypoints, or panoptic segments, whatever the order of what stands in the documents.

    Documents are read through before this returns, and what they hold of labels is put on the disk where it is much.

    Args:
        path: A document; or a folder that holds some, in itself, in `annotations`, or in a folder for each split.
        outlines: Whether segmentations matter; else they are left out where there is a box, and counted.

    Raises:
        AnnotationError: A document is none of COCO's, or two disagree. It names file and place.
    """
    folder, paths = _paths(path)
    found = [_opened(document, folder, outlines) for document in paths]
    return Dataset(folder, _categories(found), _items(found))


def read_labels(path: Path) -> Iterator[tuple[RawImage, tuple[Annotation, ...], Counter[str]]]:
    """Yields the images of one document, wherever their files are, with their labels and what these cannot say.

    Raises:
        AnnotationError: It is no document of COCO's. It names file and place.
    """
    one = _opened(path, path.parent, outlines=True)
    for image, labels, dropped, segmented in one.document.labels():
        yield image, labels + tuple(_segments(one, segmented)), dropped


def find_documents(folder: Path) -> list[Path]:
    """Returns the documents that the dataset in a folder is told in: those of one kind, where there are several."""
    for place in (folder / "annotations", folder):
        for kind in _KINDS:
            found = sorted(place.glob(kind))
            if found:
                return found
    return sorted(folder.glob("*/_annotations.coco.json"))


def _paths(path: Path) -> tuple[Path, list[Path]]:
    if path.is_dir():
        found = find_documents(path)
        if not found:
            raise AnnotationError(f"{path}: no COCO document in it, nor in annotations/; expected instances_*.json.")
        return path, found
    inside = path.parent.name == "annotations" or path.name == "_annotations.coco.json"
    return (path.absolute().parent.parent if inside else path.absolute().parent), [path]


def _opened(path: Path, folder: Path, outlines: bool) -> _Found:
    try:
        document = Document(path, outlines)
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read: {error.strerror or error}.") from None
    split = _split(path)
    return _Found(document, split, _image_folder(folder, document, split))


def _split(path: Path) -> Split | None:
    name = path.parent.name if path.name == "_annotations.coco.json" else path.stem
    match = _SPLIT.search(name.lower().replace("2017", "_").replace("2014", "_"))
    word = match[1] if match else None
    return "val" if word in ("val", "valid") else "train" if word == "train" else "test" if word == "test" else None


def _image_folder(folder: Path, document: Document, split: Split | None) -> str:
    """Returns the folder in which the first image of a document is; the dataset's own where it is nowhere."""
    if not document.images:
        return ""
    first = document.images[0].file_name.replace("\\", "/")
    name = re.sub(r"^(instances|person_keypoints|panoptic)_", "", document.path.stem)
    beside = document.path.absolute().parent
    places = [str(PurePosixPath(*beside.relative_to(folder.absolute()).parts))] if beside != folder.absolute() else []
    splits = _NAMES.get(split or "", (split or "",))
    places += [pattern.format(stem=name, split=spelt) for pattern in _FOLDERS for spelt in splits]
    return next((place for place in places if is_there(folder / place / first)), "")


def _categories(found: Sequence[_Found]) -> tuple[Category, ...]:
    """Returns the categories of all documents, each name once."""
    by_name: dict[str, Category] = {}
    for one in found:
        for category in one.document.categories.values():
            by_name.setdefault(category.name, category)
    return tuple(by_name.values())


def _items(found: Sequence[_Found]) -> Iterator[Labelled]:
    identities = Identities(stem(image.file_name) for one in found for image in one.document.images)
    for one in found:
        for number, (image, labels, dropped, segmented) in enumerate(one.document.labels()):
            path = _path(one, image, number)
            identity = identities.take(stem(image.file_name), path)
            if identity is None:
                raise one.document.error(f"images[{number}].file_name: {path!r} stands there twice")
            yield Labelled(
                identity,
                path,
                image.width or None,
                image.height or None,
                labels + tuple(_segments(one, segmented)) if segmented else labels,
                image.labelled,
                split=one.split,
                attributes={"coco_url": image.coco_url} if image.coco_url else {},
                dropped=dropped,
            )


def _path(one: _Found, image: RawImage, number: int) -> str:
    name = image.file_name
    if not _PLAIN.fullmatch(name):
        name = inside(name.replace("\\", "/"), f"{one.document.path.name}: images[{number}].file_name")
    return f"{one.images}/{name}" if one.images else name


def _segments(one: _Found, segmented: Sequence[RawAnnotation]) -> Iterator[Annotation]:
    document = one.document
    for annotation in segmented:
        where = f"{document.path.name}: the annotation of image {annotation.image_id!r}"
        name = inside(annotation.file_name or "", f"{where}.file_name")
        places = (document.path.parent / document.path.stem / name, document.path.parent / name)
        path = next((place for place in places if is_there(place)), places[0])
        yield from segments(path, annotation.segments_info or (), document.categories, where)
