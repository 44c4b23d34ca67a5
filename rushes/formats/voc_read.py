"""Reads Pascal VOC: the folders of the development kit, or XML files beside their images.

    Annotations/a.xml  JPEGImages/a.jpg  SegmentationClass/a.png  SegmentationObject/a.png  ImageSets/Main/train.txt

An image that a list names and that has no XML file is one that nobody labelled. What the XML says of where an image
came from is not read: it is the same text in nearly every dataset, and says nothing of a label.
"""

from __future__ import annotations

import math
import reprlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from msgspec.structs import replace

from rushes.errors import AnnotationError, ConfigError
from rushes.formats.dataset import Dataset, Labelled
from rushes.formats.folder import all_listed, categories_of, distinct, inside, split_of
from rushes.formats.identity import is_there
from rushes.formats.voc import PART_OF, TRACK
from rushes.formats.voc_classes import VOC_CLASSES, listed_classes
from rushes.formats.voc_masks import with_masks
from rushes.formats.voc_sets import Lists, read_lists
from rushes.formats.voc_text import meant
from rushes.formats.xml_tree import read_xml, text_of
from rushes.labels import Annotation, Box, Category

__all__ = ["read", "read_labels"]

_TRUE, _FALSE = {"1", "true", "yes"}, {"", "0", "false", "no", "unspecified"}
_KNOWN = {"name", "pose", "truncated", "occluded", "difficult", "bndbox", "part", "attributes", "actions"}
_IMAGES = (".jpg", ".jpeg", ".png")


class _Layout(NamedTuple):
    root: Path
    xml: Path
    images: str
    nested: bool


def read(path: Path) -> Dataset:
    """Reads a dataset.

    Args:
        path: A folder with `Annotations`, a folder of XML files beside their images, or one XML file.

    Raises:
        ConfigError: There is no XML file.
        AnnotationError: A list or a file is not what it should be; those of files come up while items are read.
    """
    layout = _layout(path)
    files = {path.stem: path} if path.is_file() else _files(layout)
    lists = read_lists(layout.root)
    if not files and not lists.splits:
        raise ConfigError(f"{path}: expected Pascal VOC annotations (.xml), found none.")
    listed = listed_classes(layout.root)
    categories = categories_of(listed, ()) if listed is not None else _categories(files, lists)
    return Dataset(layout.root, categories, all_listed(_items(layout, files, lists, categories), listed))


def read_labels(path: Path) -> Labelled:
    """Reads one XML file, whatever image it says that it is of.

    Masks of a class that only a number tells are kept where the dataset lists its classes.

    Raises:
        AnnotationError: It is not what it should be.
    """
    root = _layout(path).root
    dropped: Counter[str] = Counter()
    found = read_xml(path, path.name)
    if found.tag != "annotation":
        raise AnnotationError(f"{path.name}: <{found.tag[:100]}>: expected <annotation>, as Pascal VOC has it.")
    objects = list(_objects(found, path.name, dropped))
    labels = with_masks(objects, root, path.stem, listed_classes(root) or (), dropped)
    width, height = (_side(found, tag, path.name) for tag in ("width", "height"))
    counts = {reason: count for reason, count in sorted(dropped.items()) if count}
    return Labelled(path.stem, "", width, height, annotations=labels, dropped=counts)


def _layout(path: Path) -> _Layout:
    if path.is_file():
        images = path.parent.name == "Annotations"
        root = path.parents[1] if images else path.parent
        return _Layout(root, path.parent, "JPEGImages" if images else "", nested=False)
    if (path / "Annotations").is_dir():
        return _Layout(path, path / "Annotations", "JPEGImages", nested=False)
    if not path.is_dir():
        raise ConfigError(f"{path}: expected a folder with Annotations, or with XML files.")
    return _Layout(path, path, "", nested=True)


def _files(layout: _Layout) -> dict[str, Path]:
    """Returns XML files by the image's id: the path without suffix, from the folder of annotations."""
    found = sorted(layout.xml.rglob("*.xml"))
    return {path.relative_to(layout.xml).with_suffix("").as_posix(): path for path in found}


def _categories(files: Mapping[str, Path], lists: Lists) -> tuple[Category, ...]:
    """Returns the classes: those of the challenges where no other is used, or all that is used."""
    used = set(distinct(_used(files, lists), "Annotations"))
    return categories_of(VOC_CLASSES if used <= set(VOC_CLASSES) else None, used)


def _used(files: Mapping[str, Path], lists: Lists) -> Iterator[str]:
    yield from lists.listed
    for identity, path in files.items():
        root = read_xml(path, f"{identity}.xml")
        for tag in ("object", "object/part"):
            yield from filter(None, (text_of(found, "name") for found in root.iterfind(tag)))


def _items(
    layout: _Layout, files: Mapping[str, Path], lists: Lists, categories: tuple[Category, ...]
) -> Iterator[Labelled]:
    names = [category.name for category in categories]
    present = lists.present(names)
    for identity in sorted(files.keys() | lists.splits.keys()):
        folder, slash, _ = identity.partition("/")
        split = lists.splits.get(identity) or (split_of(folder) if slash else None)
        if identity not in files:
            yield _unlabelled(layout, identity, split)
            continue
        where = files[identity].relative_to(layout.root).as_posix()
        item = _item(layout, identity, files[identity], where, names)
        there = {label.label for label in item.annotations}
        whole = [names[index] for index in present.get(identity, ()) if names[index] not in there]
        more = tuple(map(Annotation, whole)) if len(whole) > 1 else ()
        label = whole[0] if len(whole) == 1 else None
        yield replace(item, split=split, label=label, annotations=item.annotations + more)


def _unlabelled(layout: _Layout, identity: str, split: str | None) -> Labelled:
    path = f"{layout.images}/{inside(identity, 'ImageSets')}"
    suffix = next((suffix for suffix in _IMAGES if is_there(layout.root / (path + suffix))), _IMAGES[0])
    return Labelled(identity, path + suffix, labelled=False, split=split)


def _item(layout: _Layout, identity: str, path: Path, where: str, names: list[str]) -> Labelled:
    root = read_xml(path, where)
    name = inside(text_of(root, "filename") or PurePosixPath(identity).name, where)
    if not PurePosixPath(name).suffix:
        name += _IMAGES[0]
    folder = PurePosixPath(layout.images or PurePosixPath(identity).parent)
    width, height = (_side(root, tag, where) for tag in ("width", "height"))
    dropped: Counter[str] = Counter()
    labels = with_masks(list(_objects(root, where, dropped)), layout.root, identity, names, dropped)
    return Labelled(
        identity, str(folder / name), width, height, annotations=labels, dropped=dict(sorted(dropped.items()))
    )


def _side(root: Element, tag: str, where: str) -> int | None:
    text = text_of(root, f"size/{tag}")
    value = _number(text, f"{where}: size/{tag}") if text else 0.0
    return int(value) if value >= 1 else None  # tools write 0 where they did not look


def _objects(root: Element, where: str, dropped: Counter[str]) -> Iterator[tuple[int | None, Annotation]]:
    """Yields labels, each with the index that its pixels have, parts without one."""
    for number, found in enumerate(root.iterfind("object"), 1):
        here = f"{where}: object {number}"
        parts = found.findall("part")
        label = _label(found, here, dropped)
        if label is None:
            continue
        dropped.update("element_unsupported" for child in found if child.tag not in _KNOWN)
        yield number, replace(label, id=str(number)) if parts else label
        for index, part in enumerate(parts, 1):
            inner = _label(part, f"{here}: part {index}", dropped)
            if inner is not None:
                yield None, replace(inner, attributes={**inner.attributes, PART_OF: str(number)})


def _label(found: Element, where: str, dropped: Counter[str]) -> Annotation | None:
    name = text_of(found, "name")
    if not name or len(name.splitlines()) != 1:
        raise AnnotationError(f"{where}: name = {reprlib.repr(name)}: expected the name of a class, in one line.")
    box = _box(found, where)
    if box is None:
        dropped["empty_box"] += 1
        return None
    attributes = _attributes(found)
    track = attributes.pop(TRACK) if isinstance(attributes.get(TRACK), str) else None
    return Annotation(
        name,
        box=box,
        track=track,
        attributes=attributes,
        difficult=_flag(found, "difficult", where),
        truncated=_flag(found, "truncated", where),
        occluded=_flag(found, "occluded", where),
    )


def _box(found: Element, where: str) -> Box | None:
    bndbox = found.find("bndbox")
    if bndbox is None:
        raise AnnotationError(f"{where}: bndbox is missing; expected xmin, ymin, xmax and ymax in it.")
    edges = [_number(text_of(bndbox, edge), f"{where}: {edge}") for edge in ("xmin", "ymin", "xmax", "ymax")]
    left, top, right, bottom = edges
    if right < left or bottom < top:
        return None
    return left - 1, top - 1, right - left + 1, bottom - top + 1


def _attributes(found: Element) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for one in found.iterfind("attributes/attribute"):
        name = meant(text_of(one, "name"))
        attributes[name if isinstance(name, str) else text_of(one, "name")] = meant(text_of(one, "value"))
    if (pose := text_of(found, "pose")) not in ("", "Unspecified"):
        attributes["pose"] = pose
    if (actions := found.find("actions")) is not None:
        attributes["actions"] = {str(one.tag): (one.text or "").strip() == "1" for one in actions}
    return attributes


def _flag(found: Element, name: str, where: str) -> bool:
    text = text_of(found, name)
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise AnnotationError(f"{where}: {name} = {reprlib.repr(text)}: expected 0 or 1.")


def _number(text: str, where: str) -> float:
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not abs(number) < 2**31:
        raise AnnotationError(f"{where} = {reprlib.repr(text)}: expected a number of pixels.")
    return number
