"""Lists of images in Pascal VOC: which split an image is in, and whether it shows a class.

ImageSets/Main/train.txt        one id a line
ImageSets/Main/car_train.txt    id, and 1: is there; -1: is not; 0: is there, and all of it is difficult
ImageSets/Unlabelled/train.txt  images that nobody labelled: the development kit would look for their XML files
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.errors import AnnotationError
from rushes.formats.folder import inside, lines_of, split_of

__all__ = ["ABSENT", "DIFFICULT", "PRESENT", "Lists", "class_file", "presence_lists", "read_lists"]

PRESENT, DIFFICULT, ABSENT = 1, 0, -1
_FOLDERS = ("Main", "Segmentation", "Unlabelled")
_MOST_IDS = 20_000_000
"""More would not fit into memory, and no dataset of images has them."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What the lists of a dataset say.

    Attributes:
        splits: Split by image id; None for one that stands in lists of no split.
        listed: What the lists call the classes.
        files: Lists of images of a class.
    """

    splits: Mapping[str, str | None]
    listed: tuple[str, ...]
    files: tuple[Path, ...]

    def present(self, names: Sequence[str]) -> dict[str, list[int]]:
        """Returns, by image id, the indices of the classes that it shows, where their lists say 1."""
        found: dict[str, list[int]] = {}
        by_stem = {class_stem(name): index for index, name in enumerate(names)}
        for path in self.files:
            index = by_stem.get(path.stem.rpartition("_")[0])
            if index is None:
                continue
            for number, line in lines_of(path):
                identity, value = _pair(line, f"{path.name}:{number}")
                if value == PRESENT and index not in (indices := found.setdefault(identity, [])):
                    indices.append(index)
        return found


def class_stem(name: str) -> str:
    """Returns what lists call a class: its name, or a likeness with a hash where it can be no file's name."""
    clean = re.sub(r"[^\w .+-]", "-", name)
    likeness = clean.encode()[:100].decode(errors="ignore")
    return clean if clean == name == likeness else f"{likeness}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def class_file(name: str, split: str) -> str:
    """Returns the path of the list of a class."""
    return f"ImageSets/Main/{class_stem(name)}_{split}.txt"


def presence_lists(images: Sequence[tuple[str, Mapping[int, int]]], classes: int) -> Iterator[str]:
    """Yields the list of each class, as the development kit writes it.

    Args:
        images: Ids, each with what it says of the classes that it shows, by their index.
        classes: How many classes there are.
    """
    absent = [_presence(identity, ABSENT) for identity, _ in images]  # in most lists, most lines are these
    showing: list[list[tuple[int, str]]] = [[] for _ in range(classes)]
    for number, (identity, shown) in enumerate(images):
        for index, value in shown.items():
            showing[index].append((number, _presence(identity, value)))
    for changed in showing:
        lines = absent.copy()
        for number, line in changed:
            lines[number] = line
        yield "".join(lines)


def _presence(identity: str, value: int) -> str:
    return f"{identity} {value:2d}\n"


def read_lists(root: Path) -> Lists:
    """Reads the lists of a dataset; a dataset without any has none.

    Raises:
        AnnotationError: A list cannot be read, or an image stands in two splits.
    """
    splits: dict[str, str | None] = {}
    classes: dict[str, None] = {}
    files: list[Path] = []
    for path in sorted(path for folder in _FOLDERS for path in (root / "ImageSets" / folder).glob("*.txt")):
        name, _, split = path.stem.rpartition("_")
        if name and (split_of(split) or split == "trainval") and _says_presence(path):
            files.append(path)
            classes[name] = None
        else:
            _read_split(path, splits)
    return Lists(splits, tuple(classes), tuple(files))


def _says_presence(path: Path) -> bool:
    _, line = next(lines_of(path), (0, ""))
    return re.search(r"\s(1|0|-1)$", line) is not None


def _read_split(path: Path, splits: dict[str, str | None]) -> None:
    split = split_of(path.stem)
    for number, line in lines_of(path):
        identity = line[1:-1] if len(line) > 2 and line[0] == line[-1] == '"' else line
        where = f"ImageSets/{path.parent.name}/{path.name}:{number}"
        before = splits.get(inside(identity, where))
        if split and before and before != split:
            raise AnnotationError(f"{where}: {identity!r} stands in {before} as well; expected it in one split.")
        splits[identity] = split or before
        if len(splits) > _MOST_IDS:
            raise AnnotationError(f"{where}: more than {_MOST_IDS} images; is this another file?")


def _pair(line: str, where: str) -> tuple[str, int]:
    identity, _, value = line.rpartition(" ")
    if value not in ("1", "0", "-1"):
        raise AnnotationError(f"{where}: {line[:100]!r}: expected an image and 1, 0 or -1.")
    return identity.strip(), int(value)
