"""Datasets of any format: which one it is, and who reads it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rushes.errors import ConfigError
from rushes.formats.dataset import Dataset

__all__ = ["READERS", "detect", "read_dataset"]

_PEEK_BYTES = 2**16


class _Reader(NamedTuple):
    """Where a format's `read` is, and what it is called with; it is imported when it is needed."""

    module: str
    arguments: Mapping[str, Any] = MappingProxyType({})
    measures: bool = False
    """Whether sizes of images come from these, and not from what a file says of them."""


READERS: Mapping[str, _Reader] = MappingProxyType(
    {
        "coco": _Reader("rushes.formats.coco_read"),
        "csv": _Reader("rushes.formats.table"),
        "dm": _Reader("rushes.formats.dm"),
        "dm-v1": _Reader("rushes.formats.dm"),
        "folders": _Reader("rushes.formats.class_folders"),
        "imagefolder": _Reader("rushes.formats.imagefolder_read"),
        "videofolder": _Reader("rushes.formats.imagefolder_read"),
        "voc": _Reader("rushes.formats.voc_read"),
        "webdataset": _Reader("rushes.shards"),
        "yolo": _Reader("rushes.formats.yolo_read", measures=True),
        "yolo-cls": _Reader("rushes.formats.class_folders"),
        "yolo-obb": _Reader("rushes.formats.yolo_read", {"kind": "obb"}, measures=True),
        "yolo-pose": _Reader("rushes.formats.yolo_read", {"kind": "pose"}, measures=True),
        "yolo-seg": _Reader("rushes.formats.yolo_read", {"kind": "segment"}, measures=True),
    }
)
"""Formats that can be read. `yolo` is any kind of it, `dm` any version; `folders` is a folder for each class."""


def read_dataset(path: Path, name: str | None = None, **arguments: Any) -> Dataset:
    """Reads a dataset.

    Args:
        path: A file or a folder.
        name: Its format, of `READERS`; None goes by what it looks like.
        arguments: What else the reader of that format takes.

    Raises:
        ConfigError: It is not there, or looks like no format.
        AnnotationError: It is not what its format asks for.
    """
    kind = name or detect(path)
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder.")
    found = READERS[kind]
    read: Callable[..., Dataset] = partial(import_module(found.module).read, **found.arguments)
    return read(path, **arguments)


def detect(path: Path) -> str:
    """Returns the format that a file or a folder looks like.

    Raises:
        ConfigError: It is not there, or looks like none.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder.")
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if found is None:
        raise ConfigError(f"{path}: looks like no dataset that is known. Say which it is: {', '.join(READERS)}.")
    return found


def _of_file(path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _of_json(path)
    kinds = {".yaml": "yolo", ".yml": "yolo", ".csv": "csv", ".tar": "webdataset", ".xml": "voc"}
    return kinds.get(suffix)


def _of_json(path: Path) -> str | None:
    """Returns the format of a document by the first of its keys that only one format has."""
    with path.open("rb") as file:
        begin = file.read(_PEEK_BYTES).decode("utf-8-sig", "replace")
    if re.search(r'"(annotationsData|annotation_data|annotation_meta)"\s*:', begin):
        return "dm"
    for key in re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', begin):
        if key in ("images", "licenses", "categories", "info"):
            return "coco"
    return "coco" if '"annotations"' in begin and re.search(r'"annotations"\s*:\s*\[', begin) else None


def _of_folder(path: Path) -> str | None:
    from rushes.formats.yolo_yaml import find_yaml  # readers are slow to import

    if find_yaml(path):
        return "yolo"
    if (path / "Annotations").is_dir() or any(path.glob("*.xml")):
        return "voc"
    if _has_json(path) or any(_has_json(path / split) for split in ("train", "valid", "val", "test")):
        return "dm"
    if (path / "labels.csv").is_file():
        return "csv"
    if any(path.glob("**/metadata.jsonl")) or any(path.glob("**/metadata.csv")):
        return "imagefolder"
    if any(path.glob("*.tar")) or any(path.glob("*/*.tar")):
        return "webdataset"
    from rushes.formats.coco_read import find_documents

    documents = find_documents(path)
    if documents and _of_json(documents[0]):
        return "coco"
    return "folders" if any(found.is_dir() for found in path.iterdir()) else None


def _has_json(path: Path) -> bool:
    return (path / "json").is_dir() and (path / "original_files").is_dir()
