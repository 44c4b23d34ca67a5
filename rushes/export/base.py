"""The base of all exporters: which hook runs when."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from rushes.export.run import ExportRun
from rushes.labels import Annotation
from rushes.records import Sample

__all__ = ["BaseExporter", "labels_of", "media_path"]


class BaseExporter:
    """Turns samples into the files of a dataset.

    For each sample `before_convert`, `convert_data`, `after_convert` and `process_file_saving` run in this order; once,
    when all samples of all batches are there, `additional_file_saving`. Batches run in several processes, so what the
    last hook needs does not travel on `self`: `self.run.emit(kind, value)` sends it, `self.run.parts(kind)` reads it.

        class CaptionExporter(BaseExporter):
            def convert_data(self, data):
                self.run.emit("caption", [data.name, data.attributes.get("caption", "")])
                return data

            def additional_file_saving(self, export_path):
                self.run.write("captions.json", json.dumps(list(self.run.parts("caption"))).encode())

    Attributes:
        run: Writes files, places media, logs.
    """

    def __init__(self, run: ExportRun) -> None:
        self.run = run

    @property
    def params(self) -> Mapping[str, Any]:
        """The dataset's `name`, `format`, `classes`, `split` shares and `media` mode."""
        return self.run.params

    def export(self, sample: Sample) -> None:
        """Runs one sample through its hooks."""
        data = self.after_convert(self.convert_data(self.before_convert(sample)))
        self.process_file_saving(data, self.run.export_path)

    def before_convert(self, data: Sample) -> Any:
        """Changes a sample before its conversion; samples are immutable, so a change is a copy."""
        return data

    def convert_data(self, data: Any) -> Any:
        """Converts a sample into what `process_file_saving` writes."""
        return data

    def after_convert(self, data: Any) -> Any:
        """Changes converted data."""
        return data

    def process_file_saving(self, data: Any, export_path: Path) -> None:
        """Writes the files of one sample; here, its media file in the folder of its split.

        Args:
            data: What `after_convert` returned.
            export_path: The dataset's folder, for looking; `self.run` writes.
        """
        self.run.place(data, media_path(data, ""))

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes the files that need all samples.

        Args:
            export_path: The dataset's folder, for looking; `self.run` writes.
        """


def media_path(sample: Sample, folder: str) -> str:
    """Returns where a sample's media file goes in the dataset: `folder/split/name.ext`."""
    return str(PurePosixPath(folder, sample.split, sample.name + PurePosixPath(sample.path).suffix))


def labels_of(sample: Sample) -> tuple[Annotation, ...]:
    """Returns a sample's labels, its class as a whole among them as one without a place in the picture."""
    return sample.annotations + (() if sample.label is None else (Annotation(sample.label),))
