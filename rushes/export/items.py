"""Samples as items of a dataset: what an exporter and a reader have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rushes.export.run import ExportRun
from rushes.formats.dataset import Labelled
from rushes.formats.folder import CLASSES
from rushes.records import Sample

__all__ = ["item_of", "write_classes"]


def item_of(sample: Sample, path: str) -> Labelled:
    """Returns a sample as an item whose file stands at this path in the dataset.

    Frames of a video are a group, where the video is in none.
    """
    return Labelled(
        id=sample.id,
        path=path,
        width=sample.info.width or None,
        height=sample.info.height or None,
        annotations=sample.annotations,
        labelled=sample.labelled,
        label=sample.label,
        split=sample.split,
        group=sample.group or sample.parent,
        attributes=sample.attributes,
    )


def write_classes(run: ExportRun) -> Any:
    """Writes `classes.txt`."""
    names: Sequence[str] = run.params["classes"]
    return run.write(CLASSES, "".join(f"{name}\n" for name in names).encode())
