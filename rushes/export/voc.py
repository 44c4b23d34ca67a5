"""The layout of Pascal VOC's development kit.

    JPEGImages/a.jpg  Annotations/a.xml  SegmentationClass/a.png  SegmentationObject/a.png
    ImageSets/Main/train.txt  ImageSets/Main/car_train.txt  ImageSets/Segmentation/train.txt  classes.txt  labelmap.txt

An image of which somebody said that nothing is in it has an XML file without objects. One that nobody labelled has
none, and stands in `ImageSets/Unlabelled` instead of `Main`, because readers open the XML file of each image that they
find there. A class of an image as a whole stands in the list of that class.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rushes.export.base import BaseExporter, file_name, labels_of
from rushes.export.items import write_classes
from rushes.formats import voc, voc_classes, voc_masks, voc_sets
from rushes.formats.classes import class_numbers
from rushes.formats.placing import is_placed
from rushes.records import Sample

__all__ = ["VocExporter"]


class _Labelled(NamedTuple):
    sample: Sample
    xml: str
    masks: voc_masks.Drawn | None
    shown: dict[int, int]


class _Image(NamedTuple):
    """What the lists need to know of an image; `shown` says of each class in it whether all of it is difficult."""

    name: str
    split: str
    labelled: bool
    segmented: bool
    shown: dict[int, int]


class VocExporter(BaseExporter):
    """Writes boxes of whole pixels, and masks of what has outlines or pixels."""

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with its XML file, its masks and the classes that it shows."""
        labels, classes, info = labels_of(data), self.params["classes"], data.info
        placed, reasons = voc.objects(labels, info.width, info.height)
        masks, unsaid = voc_masks.draw(placed, labels, info.width, info.height, classes)
        picture = voc.Picture(file_name(data), info.width, info.height, self.params["name"], masks is not None)
        xml, respelled = voc.render(placed, picture)
        for counts in filter(None, (reasons, unsaid, respelled)):
            for reason, count in counts.items():
                self.run.drop(reason, count)
        numbers = class_numbers(classes)
        shown = _shown(placed, numbers)
        for label in labels if len(placed) < len(labels) else ():
            if not is_placed(label) and label.relation is None:
                shown[numbers[label.label]] = voc_sets.PRESENT
        return _Labelled(data, xml, masks, shown)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the image, and writes its XML file and its masks, where it was labelled."""
        sample = data.sample
        labelled = sample.labelled or sample.label is not None
        self.run.place(sample, f"JPEGImages/{file_name(sample)}")
        if labelled:
            self.run.write(f"Annotations/{sample.name}.xml", data.xml.encode())
        for kind, indices in zip(("Class", "Object"), data.masks or (), strict=False):
            self.run.write(f"Segmentation{kind}/{sample.name}.png", voc_masks.png(indices))
        shown = {str(index): value for index, value in sorted(data.shown.items())}
        self.run.emit("image", [sample.name, sample.split, labelled, data.masks is not None, shown])

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes the lists of images and `classes.txt`."""
        images = list(self._images())
        splits = [split for split, share in self.params["split"].items() if share > 0]
        for split in dict.fromkeys([*splits, *sorted({image.split for image in images})]):
            self._write_lists(split, [image for image in images if image.split == split])
        if any(image.split == "val" for image in images):
            self._write_lists("trainval", [image for image in images if image.split in ("train", "val")])
        write_classes(self.run)
        if text := voc_classes.labelmap(self.params["classes"]):
            self.run.write(voc_classes.LABELMAP, text.encode())

    def _images(self) -> Iterator[_Image]:
        for name, split, labelled, segmented, shown in self.run.parts("image"):
            yield _Image(name, split, labelled, segmented, {int(index): value for index, value in shown.items()})

    def _write_lists(self, split: str, images: list[_Image]) -> None:
        labelled = [image for image in images if image.labelled]
        self._write_list("Main", split, labelled)
        classes = self.params["classes"]
        texts = voc_sets.presence_lists([(image.name, image.shown) for image in labelled], len(classes))
        for name, text in zip(classes, texts, strict=True):
            self.run.write(voc_sets.class_file(name, split), text.encode())
        if any(image.segmented for image in images):
            self._write_list("Segmentation", split, (image for image in images if image.segmented))
        if len(labelled) < len(images):
            self._write_list("Unlabelled", split, (image for image in images if not image.labelled))

    def _write_list(self, folder: str, split: str, images: Iterable[_Image]) -> None:
        self.run.write(f"ImageSets/{folder}/{split}.txt", "".join(f"{image.name}\n" for image in images).encode())


def _shown(placed: Iterable[voc.Placed], numbers: Mapping[str, int]) -> dict[int, int]:
    """Returns which classes have objects, and whether all of them are difficult."""
    shown: dict[int, int] = {}
    for one in placed:
        index = numbers[one.label.label]
        if not one.label.difficult or index not in shown:
            shown[index] = voc_sets.DIFFICULT if one.label.difficult else voc_sets.PRESENT
    return shown
