"""Hugging Face's imagefolder and videofolder: media in a folder for each split, and a `metadata.jsonl` beside them.

    train/metadata.jsonl  train/a.jpg  validation/metadata.jsonl  validation/b.jpg  classes.txt

A line is an object with `file_name`, counting from the folder of its file, and columns:

- `label`: the class of the image as a whole;
- `objects`: `{"bbox": [[x, y, width, height], …], "categories": [index, …]}`, as the guide to object detection of
  `datasets` has it, the indices those of `classes.txt`; null where nobody labelled the image;
- `annotations`: all that the labels say, as text of a source file; empty where nobody labelled the image;
- whatever else is known of the image, as columns of their own.

`datasets` takes types from the first lines of each split, and wants the same in all splits: a column stands in every
line of a dataset or in none, and has one type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.formats.annotation import dump
from rushes.formats.dataset import Labelled
from rushes.formats.placing import box_of
from rushes.jsonl import encode
from rushes.labels import Annotation

__all__ = ["METADATA", "SPLIT_FOLDERS", "Columns", "render", "says_more"]

METADATA = "metadata.jsonl"
SPLIT_FOLDERS = {"train": "train", "val": "validation", "test": "test"}
"""Folder of each split, as `datasets` calls it."""
_OWN = ("file_name", "label", "objects", "annotations")
_RESERVED = (*_OWN, "image", "video")
_FILE_NAMES = ("file_name", "file_names")
_TYPES = {str: "text", bool: "flag", int: "number", float: "number"}


def render(item: Labelled, classes: Sequence[str], *, timed: bool = False) -> tuple[dict[str, Any], Counter[str]]:
    """Returns the object of one item with all columns that it can have.

    Args:
        item: The item; its path counts from the folder of its split.
        classes: Class names, in the order that indices count in.
        timed: Whether it is a video, whose boxes belong to frames and stand in `annotations` only.

    Returns:
        The object; and how many of the item's attributes are left out, by reason code, because `datasets` would take
        their names for something else.

    Raises:
        ValueError: A label's class is not in `classes`.
    """
    kept = {name: value for name, value in sorted(item.attributes.items()) if not _is_reserved(name)}
    found = {
        "file_name": item.path,
        "label": item.label,
        "objects": _objects(item.annotations, classes) if item.labelled and not timed else None,
        "annotations": encode(list(map(dump, item.annotations))).decode() if item.labelled else "",
    }
    return found | kept, +Counter(column_reserved=len(item.attributes) - len(kept))


def _is_reserved(name: str) -> bool:
    return name in _RESERVED or name.endswith(_FILE_NAMES)


def _objects(labels: Sequence[Annotation], classes: Sequence[str]) -> Mapping[str, Any]:
    boxes = [(label.label, box) for label in labels if (box := box_of(label)) is not None]
    return {
        "bbox": [[float(side) for side in box] for _, box in boxes],
        "categories": [classes.index(name) for name, _ in boxes],
    }


def says_more(item: Labelled, *, timed: bool = False) -> bool:
    """Says whether a label says more than a class and a box, so that `objects` alone would lose it."""
    return (timed and item.labelled) or any(
        label.box is None or Annotation(label.label, box=label.box) != label for label in item.annotations
    )


@dataclass(slots=True)
class Columns:
    """Which columns a dataset has, gathered over all of its objects.

    Attributes:
        label: Whether some item has a class as a whole.
        objects: Whether somebody looked for objects in some item.
        boxes: Whether there are some.
        annotations: Whether some label says more than `objects`.
        types: What the values of each other column are.
    """

    label: bool = False
    objects: bool = False
    boxes: bool = False
    annotations: bool = False
    types: dict[str, set[str]] = field(default_factory=dict)

    def add(self, found: Mapping[str, Any], *, more: bool) -> None:
        """Takes in the object of an item."""
        self.label |= found["label"] is not None
        self.objects |= found["objects"] is not None
        self.boxes |= bool(found["objects"] and found["objects"]["bbox"])
        self.annotations |= more
        for name in found.keys() - set(_OWN):
            if found[name] is not None:
                self.types.setdefault(name, set()).add(_TYPES.get(type(found[name]), "other"))

    @classmethod
    def joined(cls, columns: Iterable[Columns]) -> Columns:
        """Returns the columns of all splits together."""
        whole = cls()
        for one in columns:
            whole.label |= one.label
            whole.objects |= one.objects
            whole.boxes |= one.boxes
            whole.annotations |= one.annotations
            for name, types in one.types.items():
                whole.types.setdefault(name, set()).update(types)
        return whole

    def without_values(self, part: Columns) -> list[str]:
        """Returns which of these columns have no value in a split that has those."""
        names = [name for name in ("label", "boxes") if getattr(self, name) and not getattr(part, name)]
        return [*names, *sorted(self.types.keys() - part.types.keys())]

    def line(self, found: Mapping[str, Any]) -> bytes:
        """Returns the line of an item; values of columns of several types become text, those of no plain type JSON."""
        own = {"file_name": found["file_name"]} | {name: found[name] for name in _OWN[1:] if getattr(self, name)}
        more = {name: _as(self.types[name], found.get(name)) for name in sorted(self.types)}
        return encode(own | more) + b"\n"


def _as(types: set[str], value: Any) -> Any:
    if value is None or types in ({"text"}, {"flag"}):
        return value
    if types == {"number"}:
        return float(value)
    return value if isinstance(value, str) else encode(value).decode()
