"""The `dataset.yaml` of a YOLO dataset: classes, keypoints, and where images are."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml

from rushes.errors import AnnotationError
from rushes.formats.folder import IMAGES, lines_of, read_whole
from rushes.formats.identity import is_there, leads_somewhere
from rushes.formats.yolo import Kind
from rushes.labels import Category

__all__ = ["Layout", "find_yaml", "images_of", "read_layout"]

_MAX_BYTES = 16 * 2**20
_SPLITS = ("train", "val", "test")
_NAMES = ("dataset.yaml", "data.yaml", "dataset.yml", "data.yml")


@dataclass(frozen=True, slots=True)
class Layout:
    """What a `dataset.yaml` says.

    Attributes:
        path: The file.
        root: The folder that splits count from.
        categories: By index.
        keypoints: How many keypoints a row has, and of how many numbers; None where rows have none.
        splits: Folders and lists of images, by split.
        task: What rows say, where the file has a word on it.
    """

    path: Path
    root: Path
    categories: Mapping[int, Category]
    keypoints: tuple[int, int] | None
    splits: Mapping[str, Sequence[Path]]
    task: Kind | None = None


def find_yaml(folder: Path) -> Path | None:
    """Returns the file that describes the YOLO dataset in a folder, or None."""
    named = [folder / name for name in _NAMES if (folder / name).is_file()]
    others = sorted(path for path in folder.glob("*.y*ml") if path.suffix in (".yaml", ".yml"))
    for path in named or others:
        try:
            found = _load(path)
        except AnnotationError:
            continue
        if {"names", "nc"} & found.keys() and set(_SPLITS) & found.keys():
            return path
    return None


def read_layout(path: Path) -> Layout:
    """Reads a `dataset.yaml`.

    Raises:
        AnnotationError: It is none; the message names the key.
    """
    found = _load(path)
    keypoints = _kpt_shape(found, path)
    categories = _categories(found, keypoints, path)
    root = _root(found, path)
    splits = {split: _places(found[split], root, f"{path.name}: {split}") for split in _SPLITS if found.get(split)}
    if not splits:
        raise AnnotationError(f"{path.name}: none of train, val and test; expected folders or lists of images.")
    task = found.get("task")
    return Layout(path, root, categories, keypoints, splits, task if task in get_args(Kind) else None)


def images_of(place: Path, root: Path, where: str) -> Iterator[str]:
    """Yields the images of a split, sorted, from a folder or a list of paths.

    Raises:
        AnnotationError: The place or an image of a list is not there, or lies outside of the dataset.
    """
    if place.is_dir():
        yield from _walk(place)
        return
    for number, line in lines_of(place):
        path = Path(line)
        candidates = [path] if path.is_absolute() else [place.parent / path, root / path]
        image = next((found for found in candidates if is_there(found)), None)
        if image is None:
            raise AnnotationError(f"{where}, {place.name}:{number}: no such image {reprlib.repr(line)}.")
        yield os.path.normpath(image)


def _walk(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if name[name.rfind(".") :].lower() in IMAGES and not name.startswith("."):
                yield f"{parent}/{name}"


def _load(path: Path) -> dict[str, Any]:
    content = read_whole(path, _MAX_BYTES)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = yaml.load(content, Loader=loader)  # noqa: S506  both are safe
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise AnnotationError(f"{path.name}: not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(found, dict):
        raise AnnotationError(f"{path.name}: expected keys like train, val and names.")
    return found


def _kpt_shape(found: Mapping[str, Any], path: Path) -> tuple[int, int] | None:
    shape = found.get("kpt_shape")
    if shape is None:
        return None
    if not _numbers(shape) or len(shape) != 2 or not 0 < shape[0] < 10_000 or shape[1] not in (2, 3):
        raise AnnotationError(f"{path.name}: kpt_shape = {reprlib.repr(shape)}: expected [keypoints, 2 or 3].")
    return shape[0], shape[1]


def _categories(found: Mapping[str, Any], keypoints: tuple[int, int] | None, path: Path) -> dict[int, Category]:
    names = found.get("names")
    if names is None and type(found.get("nc")) is int and 0 < found["nc"] < 1_000_000:
        names = [f"class_{number}" for number in range(found["nc"])]
    numbered = dict(names) if isinstance(names, dict) else dict(enumerate(names)) if isinstance(names, list) else {}
    texts = {number: str(name) for number, name in numbered.items() if isinstance(name, str | int | float)}
    if not texts or len(texts) < len(numbered) or not all(type(n) is int and n >= 0 for n in texts):
        raise AnnotationError(f"{path.name}: names = {reprlib.repr(names)}: expected a list, or names by number.")
    if len(set(texts.values())) < len(texts) or not all(name.strip() for name in texts.values()):
        raise AnnotationError(f"{path.name}: names: expected each name once, and none empty.")
    points, flip = _points(found, keypoints, path)
    return {
        number: Category(texts[number], number, "", points.get(number, points.get(-1, ())), flip=flip)
        for number in sorted(texts)
    }


def _points(
    found: Mapping[str, Any], keypoints: tuple[int, int] | None, path: Path
) -> tuple[dict[int, tuple[str, ...]], tuple[int, ...]]:
    """Returns names of keypoints by class, under -1 those of all others, and how they change in a mirror."""
    if keypoints is None:
        return {}, ()
    count = keypoints[0]
    flip = found.get("flip_idx") or ()
    if flip and (not _numbers(flip) or sorted(flip) != list(range(count))):
        raise AnnotationError(f"{path.name}: flip_idx = {reprlib.repr(flip)}: expected each of 0 to {count - 1} once.")
    default = tuple(f"keypoint_{number}" for number in range(1, count + 1))
    named = found.get("kpt_names") or {}
    listed = {
        number: tuple(map(str, names))
        for number, names in (named.items() if isinstance(named, dict) else ())
        if isinstance(names, list) and len(names) == count
    }
    return {-1: default} | listed, tuple(flip)


def _numbers(value: object) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


def _root(found: Mapping[str, Any], path: Path) -> Path:
    stated = found.get("path")
    beside = path.absolute().parent
    if isinstance(stated, str) and stated and "\0" not in stated and leads_somewhere(beside / stated):
        place = Path(os.path.normpath(beside / stated))
        return place if place.is_dir() else beside
    return beside  # as Ultralytics has it, a dataset that was moved is where its YAML is


def _places(value: object, root: Path, where: str) -> list[Path]:
    values = value if isinstance(value, list) else [value]
    return [_place(one, root, where) for one in values]


def _place(value: object, root: Path, where: str) -> Path:
    if not isinstance(value, str) or "\0" in value:
        raise AnnotationError(f"{where} = {reprlib.repr(value)}: expected a folder or a list of images.")
    # Roboflow writes ../train/images for train/images, and Ultralytics takes it.
    for candidate in (root / value, root / value.removeprefix("../")):
        place = Path(os.path.normpath(candidate))
        if leads_somewhere(place) and place.is_relative_to(root):
            return place
    raise AnnotationError(f"{where} = {reprlib.repr(value)}: no such folder or list inside of {root}.")
