"""The rules of the Pascal VOC development kit, written down from its documentation and the MATLAB code of its readers.

`check_dataset` returns every complaint; an empty list is a dataset that the kit reads as it was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_FLAGS = ("truncated", "difficult", "occluded")


def check_dataset(root: Path) -> list[str]:
    """Returns what the development kit would stumble over."""
    main = root / "ImageSets" / "Main"
    complaints = []
    for path in sorted(main.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        if re.search(r"_(train|val|trainval|test)$", path.stem):
            complaints += [f"{path.name}: {line!r}" for line in lines if not re.fullmatch(r"\S+ ( 0| 1|-1)", line)]
        else:
            complaints += [complaint for line in lines for complaint in _check_image(root, line)]
    for path in sorted((root / "ImageSets" / "Segmentation").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            complaints += _check_masks(root, line)
    return complaints


def colours() -> list[tuple[int, int, int]]:
    """Returns the kit's colour map (VOClabelcolormap.m): bit j of a colour is bit 3 j of the index, from the top."""
    found = []
    for index in range(256):
        red = green = blue = 0
        rest = index
        for place in range(7, -1, -1):
            red |= (rest & 1) << place
            green |= (rest >> 1 & 1) << place
            blue |= (rest >> 2 & 1) << place
            rest >>= 3
        found.append((red, green, blue))
    return found


def objects_of(path: Path) -> list[tuple[str, list[int]]]:
    """Returns names and boxes of a file, as the kit reads them."""
    return [
        (found.findtext("name") or "", [int(found.findtext(f"bndbox/{edge}") or "") for edge in _EDGES])
        for found in ET.parse(path).getroot().iterfind("object")
    ]


_EDGES = ("xmin", "ymin", "xmax", "ymax")


def _check_image(root: Path, identity: str) -> Iterator[str]:
    path = root / "Annotations" / f"{identity}.xml"
    if not path.is_file():
        yield f"{identity}: no XML file"
        return
    document = ET.parse(path).getroot()
    if document.tag != "annotation":
        yield f"{identity}: {document.tag}"
    for tag in ("folder", "filename", "source/database", "size/width", "size/height", "size/depth", "segmented"):
        if document.find(tag) is None:
            yield f"{identity}: no {tag}"
    image = root / "JPEGImages" / (document.findtext("filename") or "")
    with Image.open(image) as opened:
        size = ImageOps.exif_transpose(opened).size  # readers of today turn a picture upright
    if [document.findtext("size/width"), document.findtext("size/height")] != [str(side) for side in size]:
        yield f"{identity}: a size that is not {size}"
    if document.findtext("segmented") not in ("0", "1"):
        yield f"{identity}: segmented"
    for found in [*document.iterfind("object"), *document.iterfind("object/part")]:
        yield from (f"{identity}: {complaint}" for complaint in _check_object(found, *size))


def _check_object(found: ET.Element, width: int, height: int) -> Iterator[str]:
    if not found.findtext("name"):
        yield "an object without a name"
    texts = [found.findtext(f"bndbox/{edge}") or "" for edge in _EDGES]
    if not all(re.fullmatch(r"[1-9][0-9]*", text) for text in texts):
        yield f"a box {texts} that is not of whole pixels from 1"
        return
    left, top, right, bottom = map(int, texts)
    if not (left <= right <= width and top <= bottom <= height):
        yield f"a box {texts} that leads out of {width}x{height}"
    if found.tag == "object":
        yield from (f"{flag} is not 0 or 1" for flag in _FLAGS if found.findtext(flag) not in ("0", "1"))
        yield from ["no pose"] if not found.findtext("pose") else []


def _check_masks(root: Path, identity: str) -> Iterator[str]:
    document = ET.parse(root / "Annotations" / f"{identity}.xml").getroot()
    if document.findtext("segmented") != "1":
        yield f"{identity}: has masks, and does not say so"
    width, height = (int(document.findtext(f"size/{side}") or 0) for side in ("width", "height"))
    found = {}
    for kind in ("SegmentationClass", "SegmentationObject"):
        with Image.open(root / kind / f"{identity}.png") as opened:
            if opened.mode != "P" or opened.size != (width, height):
                yield f"{identity}: {kind} is {opened.mode}, {opened.size}"
            flat = opened.getpalette() or []
            if [tuple(flat[at : at + 3]) for at in range(0, 768, 3)] != colours():
                yield f"{identity}: {kind} has other colours"
            found[kind] = np.asarray(opened)
    yield from (
        f"{identity}: {complaint}"
        for complaint in _check_indices(found["SegmentationObject"], found["SegmentationClass"], document)
    )


def _check_indices(objects: NDArray[np.uint8], classes: NDArray[np.uint8], document: ET.Element) -> Iterator[str]:
    if ((objects == 0) != (classes == 0)).any() or ((objects == 255) != (classes == 255)).any():
        yield "background or void differ between classes and objects"
    for index in set(np.unique(objects).tolist()) - {0, 255}:
        if index > len(document.findall("object")):
            yield f"object {index} has pixels and is not in the XML file"
        if len(np.unique(classes[objects == index])) != 1:
            yield f"object {index} has pixels of two classes"
