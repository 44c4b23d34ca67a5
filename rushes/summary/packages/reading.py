"""How others read a layout: what it is for, which of its files hold labels, how it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Reading", "reading_of"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A layout, as who reads it knows it.

    Attributes:
        title: Its name for people.
        tasks: Tasks of the Hugging Face Hub that it is made for.
        labels: Patterns of the files that hold labels, each with its media type.
        load: A command or program that loads it, by the package that it needs.
        hub: Pattern of the files of a split, where `datasets` and the Hub load the layout; `{}` is its folder.
        hub_options: What they are to be told beside.
    """

    title: str
    tasks: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    load: tuple[tuple[str, str], ...] = ()
    hub: str | None = None
    hub_options: tuple[tuple[str, Any], ...] = ()


_YOLO = "from ultralytics import YOLO\nYOLO({model}).train(data={data})"
_COCO = """from pycocotools.coco import COCO
coco = COCO("annotations/instances_{split}.json")"""
_VOC = """from pathlib import Path
from PIL import Image
names = Path("ImageSets/Main/{split}.txt").read_text().split()
pictures = [Image.open(next(Path("JPEGImages").glob(f"{name}.*"))) for name in names]"""
_SHARDS = """from glob import glob
import webdataset
samples = webdataset.WebDataset(sorted(glob("{split}-*.tar")), shardshuffle=False)"""
_YAML, _TEXT, _JSON, _XML = "dataset.yaml", "text/plain", "application/json", "application/xml"
_LINES = "application/jsonlines"


def _yolo(title: str, tasks: tuple[str, ...], model: str) -> Reading:
    load = _YOLO.format(model=repr(model), data=repr(_YAML))
    return Reading(title, tasks, (("labels/*/*.txt", _TEXT),), (("ultralytics", load),))


_READINGS = {
    "yolo": _yolo("YOLO boxes", ("object-detection",), "yolo11n.pt"),
    "yolo-seg": _yolo("YOLO outlines", ("image-segmentation",), "yolo11n-seg.pt"),
    "yolo-pose": _yolo("YOLO keypoints", ("keypoint-detection",), "yolo11n-pose.pt"),
    "yolo-obb": _yolo("YOLO turned boxes", ("object-detection",), "yolo11n-obb.pt"),
    "yolo-cls": Reading(
        "folders of classes",
        ("image-classification",),
        (),
        (
            ("ultralytics", 'from ultralytics import YOLO\nYOLO("yolo11n-cls.pt").train(data=".")'),
            ("torchvision", 'from torchvision.datasets import ImageFolder\ntrain = ImageFolder("train")'),
        ),
        hub="{}/*/*",
        hub_options=(("drop_labels", False),),
    ),
    "coco": Reading(
        "COCO",
        ("object-detection", "image-segmentation"),
        (("annotations/*.json", _JSON),),
        (("pycocotools", _COCO),),
    ),
    "voc": Reading(
        "Pascal VOC",
        ("object-detection",),
        (("Annotations/*.xml", _XML), ("ImageSets/*/*.txt", _TEXT)),
        (("Pillow", _VOC),),
    ),
    "dm": Reading("Datamaker, version 2", ("object-detection",), (("*/json/*.json", _JSON),)),
    "dm-v1": Reading("Datamaker, version 1", ("object-detection",), (("*/json/*.json", _JSON),)),
    "imagefolder": Reading(
        "imagefolder",
        ("image-classification", "object-detection"),
        (("*/metadata.jsonl", _LINES),),
        hub="{}/**",
    ),
    "videofolder": Reading("videofolder", ("video-classification",), (("*/metadata.jsonl", _LINES),), hub="{}/**"),
    "webdataset": Reading(
        "WebDataset",
        ("image-classification", "object-detection"),
        load=(("webdataset", _SHARDS),),
        hub="{}-*.tar",
    ),
    "csv": Reading("CSV", ("object-detection",), (("*.csv", "text/csv"),)),
}


def reading_of(format_: str) -> Reading:
    """Returns what is known of a layout; of an exporter of the user's own, its name."""
    return _READINGS.get(format_) or Reading(format_)
