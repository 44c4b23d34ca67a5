"""Folders of classes: `cat/a.jpg`, or `train/cat/a.jpg`. Whatever lies in a folder is of the class of its name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rushes.errors import ConfigError
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import IMAGES, VIDEOS, categories_of, class_names, distinct, need_folder, split_of

__all__ = ["read"]


def read(path: Path) -> Dataset:
    """Reads a dataset, by the names of its files alone.

    Args:
        path: Its folder. A first level of folders that are called like splits are splits; what lies in no folder of a
            class has no class.

    Raises:
        ConfigError: There are no media.
    """
    need_folder(path, "a folder of images for each class")
    files = next(_files(path), None)
    if files is None:
        raise ConfigError(f"{path}: expected images or videos, in a folder for each class; found none.")
    labels = distinct((item.label for item in _items(path) if item.label is not None), str(path))
    return Dataset(path, categories_of(class_names(path), labels), _items(path))


def _files(path: Path) -> Iterator[PurePosixPath]:
    for folder, folders, names in os.walk(path):
        folders.sort()
        inner = PurePosixPath(Path(folder).relative_to(path).as_posix())
        yield from (inner / name for name in sorted(names) if _is_media(name))


def _is_media(name: str) -> bool:
    return not name.startswith(".") and PurePosixPath(name).suffix.lower() in IMAGES | VIDEOS


def _items(path: Path) -> Iterator[Labelled]:
    for file in _files(path):
        folders = file.parts[:-1]
        split = split_of(folders[0]) if folders else None
        inner = folders[1:] if split else folders
        label = "/".join(inner) if inner else None
        yield Labelled(str(file), str(file), labelled=False, label=label, split=split)
