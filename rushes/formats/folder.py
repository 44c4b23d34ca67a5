"""What readers of dataset folders have in common: names that may be trusted, files of bounded length, splits."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from rushes.errors import AnnotationError, ConfigError
from rushes.formats.dataset import Labelled
from rushes.labels import Category

__all__ = [
    "CLASSES",
    "IMAGES",
    "VIDEOS",
    "categories_of",
    "class_names",
    "inside",
    "lines_of",
    "read_whole",
    "split_of",
]

CLASSES = "classes.txt"
"""Class names, one a line, in the order that indices count in."""

IMAGES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"},
)
VIDEOS = frozenset({".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"})
"""Suffixes by which folders without a list of files are read; what the content is, its bytes say."""

_SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {spelling: split for split, spellings in _SPLITS.items() for spelling in spellings}
_PIECE_BYTES = 2**16
_MAX_LINE = 4096
_MAX_PATH = 4096
_MAX_CLASSES = 1_000_000
_MAX_NAMES = 2**26  # letters of all names of classes together


def split_of(name: str) -> str | None:
    """Returns the split that a folder's or a file's name stands for, as Hugging Face's `datasets` spells them."""
    return _SPLIT_OF.get(name.lower())


def inside(relative: str, where: str) -> str:
    """Returns a path that a file of the dataset states, if it stays in the dataset.

    Args:
        relative: As stated.
        where: Where it stands, for the message.

    Raises:
        AnnotationError: It is empty, absolute, or leads out.
    """
    path, windows = PurePosixPath(relative), PureWindowsPath(relative)
    strange = "\0" in relative or len(relative) > _MAX_PATH
    if strange or not path.parts or path.is_absolute() or windows.drive or ".." in windows.parts:
        raise AnnotationError(f"{where}: the path {reprlib.repr(relative)}: expected one inside of the dataset.")
    return str(path)


def read_whole(path: Path | str, most_bytes: int, where: str | None = None) -> bytes:
    """Returns the content of a file that must be small.

    Args:
        path: The file.
        most_bytes: How long it may be.
        where: What messages call it; by default its name.

    Raises:
        AnnotationError: It is longer, or cannot be read.
    """
    try:
        content = _content(path, most_bytes)
    except OSError as error:
        where = where or Path(path).name
        raise AnnotationError(f"{where}: cannot be read: {error.strerror}. Check the path.") from None
    if len(content) > most_bytes:
        where = where or Path(path).name
        raise AnnotationError(f"{where}: longer than {most_bytes} bytes, which no such file is; is this another file?")
    return content


def _content(path: Path | str, most_bytes: int) -> bytes:
    """Returns the content of a file, and no more of it than a byte over the most; most are small, and very many."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    pieces, left = [], most_bytes + 1
    try:
        while left and (piece := os.read(handle, min(left, _PIECE_BYTES))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(handle)
    return b"".join(pieces)


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yields the lines of a text file that are not blank, each with its number, in memory that does not grow.

    Raises:
        AnnotationError: A line is endless or not in UTF-8, or the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_MAX_LINE + 1):
                number += 1
                text = _line(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, f"{path.name}:{number}")
                if text:
                    yield number, text
    except OSError as error:
        raise AnnotationError(f"{path.name}: cannot be read: {error.strerror}. Check the path.") from None


def _line(line: bytes, where: str) -> str:
    if len(line) > _MAX_LINE:
        raise AnnotationError(f"{where}: a line of more than {_MAX_LINE} bytes; is this another file?")
    try:
        return line.decode().strip()
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{where}: not in UTF-8: {error.reason}. Save the file as UTF-8.") from None


def class_names(folder: Path) -> tuple[str, ...] | None:
    """Returns the classes that a dataset's `classes.txt` lists; None where there is none.

    Raises:
        AnnotationError: The list cannot be read, or a name stands twice.
    """
    path = folder / CLASSES
    if not path.is_file():
        return None
    names: dict[str, int] = {}
    for number, name in lines_of(path):
        if name in names or number > _MAX_CLASSES:
            raise AnnotationError(
                f"{CLASSES}:{number}: {reprlib.repr(name)} stands there twice, or the list is endless."
            )
        names[name] = number
    return tuple(names)


def distinct(names: Iterable[str], where: str) -> tuple[str, ...]:
    """Returns the names of classes that are used, each once, in their order.

    Raises:
        AnnotationError: They are more than any dataset has; `where` says of what.
    """
    found: dict[str, None] = {}
    letters = 0
    for name in names:
        if name not in found:
            found[name] = None
            letters += len(name)
            if len(found) > _MAX_CLASSES or letters > _MAX_NAMES:
                raise AnnotationError(f"{where}: more classes than a dataset has; is one of its columns no class?")
    return tuple(found)


def categories_of(listed: Sequence[str] | None, found: Iterable[str]) -> tuple[Category, ...]:
    """Returns categories: those that the dataset lists, and after them, sorted, those that are only used."""
    names = dict.fromkeys(listed or ())
    return tuple(map(Category, [*names, *sorted(set(found) - names.keys())]))


def all_listed(items: Iterable[Labelled], listed: Sequence[str] | None) -> Iterator[Labelled]:
    """Yields items, as long as their classes are among those that the dataset lists, where it lists any.

    Raises:
        AnnotationError: A class is not.
    """
    known = frozenset(listed or ())
    for item in items:
        used = [label.label for label in item.annotations] + ([] if item.label is None else [item.label])
        strange = next((name for name in used if listed is not None and name not in known), None)
        if strange is not None:
            raise AnnotationError(
                f"{item.path}: the class {reprlib.repr(strange)} is not in {CLASSES}; add it there, or remove the list."
            )
        yield item


def need_folder(path: Path, holds: str) -> None:
    """Makes sure that a folder is there.

    Raises:
        ConfigError: It is not.
    """
    if not path.is_dir():
        raise ConfigError(f"{path}: expected a folder with {holds}.")
