"""The layout that Ultralytics classifies from: a folder for each class, in the folder of its split.

train/cat/a.jpg  val/cat/b.jpg  classes.txt
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from rushes.errors import NeedsClassError
from rushes.export.base import BaseExporter, media_path
from rushes.export.names import file_stem
from rushes.formats.folder import CLASSES
from rushes.formats.placing import is_placed
from rushes.labels import Annotation
from rushes.records import Sample

__all__ = ["ClassFoldersExporter"]

_MAX_BYTES = 200
_STRANGE = re.compile(r"""[\x00-\x1f\x7f-\x9f\u2028\u2029/\\:*?"<>|]|^[.\s]|[.\s]$""")
"""What makes a name none of a folder, or not on every file system."""


class _Classified(NamedTuple):
    sample: Sample
    label: str | None


class ClassFoldersExporter(BaseExporter):
    """Writes images that have one class as a whole; others are left out, and counted."""

    def convert_data(self, data: Sample) -> Any:
        """Returns the sample with its class, where it has one."""
        whole = [label for label in data.annotations if _is_of_all(label)]
        names = sorted({label.label for label in whole} | ({data.label} if data.label is not None else set()))
        label = names[0] if len(names) == 1 else None
        counts = {
            "place_unsupported": len(data.annotations) - len(whole),
            "item_without_class": label is None,
            "attributes_unsupported": sum(bool(one.attributes) for one in whole),
            "track_unsupported": sum(one.track is not None for one in whole),
            "flags_unsupported": sum(one.crowd or one.difficult or one.truncated or one.occluded for one in whole),
            "name_respelled": label is not None and _folder(label) != label,
        }
        for reason, count in counts.items():
            if count:
                self.run.drop(reason, int(count))
        if label is None:
            said = f"{len(names)} classes as a whole: {', '.join(names)}" if names else "no class as a whole"
            self.run.refuse(NeedsClassError(f"{data.id}: an image of {said}; expected one, whose folder it stands in."))
        return _Classified(data, label)

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Places the image in the folder of its class."""
        sample, label = data
        if label is None:
            return
        self.run.place(sample, media_path(sample, "").replace("/", f"/{_folder(label)}/", 1))
        self.run.emit("class", [sample.split, label])

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes `classes.txt`, and warns of what a training would stumble over."""
        classes = list(self.params["classes"])
        self.run.write(CLASSES, "".join(f"{_folder(name)}\n" for name in classes).encode())
        found = {tuple(part) for part in self.run.parts("class")}
        trained = {label for split, label in found if split == "train"}
        if unseen := sorted({label for _, label in found} - trained):
            self.run.log_message(
                f"no image of split train is of class {', '.join(unseen)}, which other splits have; Ultralytics takes "
                "classes from train",
                "warning",
            )
        numbered = [_folder(name) for name in classes if name in trained]
        if numbered != sorted(numbered):
            self.run.log_message(
                "Ultralytics numbers classes by the order of their folders' names, which is not that of export.classes",
                "warning",
            )


def _is_of_all(label: Annotation) -> bool:
    """Says whether a label is of the image as a whole."""
    return not (is_placed(label) or label.relation or label.spans)


def _folder(name: str) -> str:
    """Returns the name of a class's folder: the class itself where it can be one, else a likeness with a hash."""
    if _STRANGE.search(name) or len(name.encode()) > _MAX_BYTES:
        return file_stem(name)
    return name
