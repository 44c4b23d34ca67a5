"""The layouts that a dataset can be written in: what each can hold, and who writes it. All else looks it up here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["LAYOUTS", "Layout", "layout_of"]


class Layout(NamedTuple):
    """What a layout can hold, and who writes it.

    Attributes:
        exporter: As module:Class; it is imported when it is needed.
        images: Whether it holds images.
        videos: Whether it holds videos whole.
        outlines: Whether it says more of a place than a box.
        attributes: Whether it says of a file what its source says of it.
        groups: Whether it says which files belong together.
        carries_dm: Whether it says what only a DM document says, and labels carry along for it.
        packs_media: Whether media stand in it packed, so that it cannot be without them.
        one_folder: Whether all splits share one folder, and are lists of what is in it.
    """

    exporter: str
    images: bool = True
    videos: bool = False
    outlines: bool = True
    attributes: bool = False
    groups: bool = False
    carries_dm: bool = False
    packs_media: bool = False
    one_folder: bool = False


_EXPORT = "rushes.export."

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "yolo": Layout(_EXPORT + "yolo:YoloExporter", outlines=False),
        "yolo-seg": Layout(_EXPORT + "yolo:YoloSegExporter"),
        "yolo-pose": Layout(_EXPORT + "yolo:YoloPoseExporter"),
        "yolo-obb": Layout(_EXPORT + "yolo:YoloObbExporter"),
        "yolo-cls": Layout(_EXPORT + "class_folders:ClassFoldersExporter"),
        "coco": Layout(_EXPORT + "coco:CocoExporter"),
        "voc": Layout(_EXPORT + "voc:VocExporter", one_folder=True),
        "dm": Layout(_EXPORT + "dm:DmExporter", videos=True, attributes=True, carries_dm=True),
        "dm-v1": Layout(_EXPORT + "dm:DmV1Exporter", videos=True, attributes=True, carries_dm=True),
        "imagefolder": Layout(_EXPORT + "imagefolder:ImageFolderExporter", attributes=True),
        "videofolder": Layout(_EXPORT + "imagefolder:VideoFolderExporter", images=False, videos=True, attributes=True),
        "webdataset": Layout(
            _EXPORT + "webdataset:WebDatasetExporter", videos=True, attributes=True, groups=True, packs_media=True
        ),
        "csv": Layout(_EXPORT + "table:CsvExporter", videos=True, attributes=True, groups=True),
    }
)
"""By the names that `export.format` and `rushes convert --to` take."""


_OF_ONES_OWN = Layout("", videos=True, attributes=True, groups=True)


def layout_of(name: str) -> Layout:
    """Returns what a layout can hold; an exporter of the user's own, named as module:Class, is given all but DM's."""
    return LAYOUTS.get(name, _OF_ONES_OWN)
