"""Classes of Pascal VOC: nothing in the format lists them, so tools do it in files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rushes.errors import AnnotationError
from rushes.formats.folder import class_names, lines_of
from rushes.formats.voc_masks import palette

__all__ = ["LABELMAP", "VOC_CLASSES", "labelmap", "listed_classes"]

LABELMAP = "labelmap.txt"
"""The list of CVAT and Datumaro: name, colour in masks, names of parts, names of actions."""
VOC_CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
"""The classes of the challenges, by the index that they have in masks."""
_BACKGROUND = "background"


def labelmap(classes: Sequence[str]) -> str:
    """Returns the list as CVAT and Datumaro read it; empty where a name would be read as another one."""
    if any(":" in name or name.startswith("#") or name == _BACKGROUND for name in classes):
        return ""
    colours = palette()
    lines = (
        f"{name}:{','.join(map(str, colours[3 * index : 3 * index + 3]))}::\n"
        for index, name in enumerate([_BACKGROUND, *classes][:255])
    )
    return "# label:color_rgb:parts:actions\n" + "".join(lines)


def listed_classes(root: Path) -> tuple[str, ...] | None:
    """Returns the classes that a dataset lists, and after them the names of parts; None where it lists none.

    Raises:
        AnnotationError: A list cannot be read, or a name stands twice.
    """
    names = class_names(root)
    if names is not None or not (root / LABELMAP).is_file():
        return names
    classes: dict[str, None] = {}
    parts: dict[str, None] = {}
    for number, line in lines_of(root / LABELMAP):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        if name in classes:
            raise AnnotationError(f"{LABELMAP}:{number}: {name[:100]!r} stands there twice.")
        classes[name] = None
        parts |= dict.fromkeys(filter(None, rest.partition(":")[2].partition(":")[0].split(",")))
    classes.pop(_BACKGROUND, None)
    return tuple(filter(None, classes | parts))
