"""The YOLO layout: images, label files, and the `dataset.yaml` that Ultralytics trains from.

    images/train/a.jpg  labels/train/a.txt  classes.txt  dataset.yaml

An image of which somebody said that nothing is in it has an empty label file. One that nobody labelled has no label
file at all, which Ultralytics counts as `missing`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from rushes.export.base import BaseExporter, labels_of, media_path
from rushes.formats import yolo
from rushes.records import Sample

__all__ = ["YoloExporter"]


class _Labelled(NamedTuple):
    sample: Sample
    rows: list[str]


class YoloExporter(BaseExporter):
    """Writes boxes for detection; what a box cannot say is left out, and counted by reason."""

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with the rows of its label file."""
        rows, reasons = yolo.render(labels_of(data), data.info.width, data.info.height, self.params["classes"])
        for reason, count in reasons.items():
            self.run.drop(reason, count)
        return _Labelled(data, rows)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the image, and writes its label file where it was labelled."""
        sample = data.sample
        self.run.place(sample, media_path(sample, "images"))
        self.run.emit("split", [sample.split, sample.labelled])
        if sample.labelled:
            text = "".join(f"{row}\n" for row in data.rows)
            self.run.write(f"labels/{sample.split}/{sample.name}.txt", text.encode())

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `dataset.yaml` and `classes.txt`, and warns of what a training would stumble over."""
        counts = Counter(tuple(part) for part in self.run.parts("split"))
        shares = [split for split, share in self.params["split"].items() if share > 0]
        # Ultralytics asks for train and val, whatever the shares are; the path is that of the file itself.
        splits = list(dict.fromkeys(["train", "val", *shares, *sorted(split for split, _ in counts)]))
        for split in splits:
            (export_path / "images" / split).mkdir(parents=True, exist_ok=True)
        self._warn(splits, counts)
        content = {split: f"images/{split}" for split in splits}
        classes = list(self.params["classes"])
        names = {"nc": len(classes), "names": dict(enumerate(classes))}
        text = yaml.safe_dump(content | names, sort_keys=False, allow_unicode=True)
        self.run.write("dataset.yaml", text.encode())
        self.run.write("classes.txt", "".join(f"{name}\n" for name in classes).encode())

    def _warn(self, splits: list[str], counts: Counter[tuple[Any, ...]]) -> None:
        for split in splits:
            if not counts[split, True] and not counts[split, False]:
                self.run.log_message(f"no image is in split {split}: change export.split, or add items", "warning")
            if counts[split, False]:
                self.run.log_message(
                    f"{counts[split, False]} images of split {split} have no labels at all; "
                    "a training takes them for images of nothing",
                    "warning",
                )
