"""The base of all exporters: which hook runs when."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from rushes.export.run import ExportRun
from rushes.labels import Annotation
from rushes.layouts import LAYOUTS
from rushes.records import Sample

__all__ = ["BaseExporter", "begun", "built_in", "file_name", "labels_of", "media_path"]


class BaseExporter:
    """Turns samples into the files of a dataset.

    For each sample `before_convert`, `convert_data`, `after_convert` and `process_file_saving` run in this order; once,
    when all samples of all batches are there, `additional_file_saving`. Batches run in several processes. What hooks
    gather on `self` comes together at the end, as `rushes.export.gather` says: numbers and Counters add up, sets unite,
    lists grow in the order of the source. What is too large for that goes by `self.run.emit(kind, value)`, and
    `self.run.parts(kind)` reads it at the end, one value at a time.

        class CaptionExporter(BaseExporter):
            def __init__(self, run, export_items, path_root, **params):
                super().__init__(run, export_items, path_root, **params)
                self.captions = {}

            def convert_data(self, data):
                self.captions[data.name] = data.attributes.get("caption", "")
                return data

            def additional_file_saving(self, export_path):
                (Path(export_path) / "captions.json").write_text(json.dumps(self.captions))

    Attributes:
        run: Writes files, places media, logs, tells how far it is.
        params: The dataset's `name`, `format`, `classes`, `split` shares, `media` mode and `output`, and those of
            `export.params`.
        export_items: Nothing: no process sees all items. It is here for constructors that hand it on.
        path_root: The dataset's folder while it grows.
    """

    def __init__(
        self, run: ExportRun, export_items: Iterable[Any] = (), path_root: Path | None = None, **params: Any
    ) -> None:
        self.run = run
        self.export_items = export_items
        self.path_root = path_root or run.export_path
        self.params: Mapping[str, Any] = {**run.params, **params}

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
            export_path: The dataset's folder while it grows. Other batches write into it at the same time.
        """
        self.run.place(data, media_path(data, ""))

    def additional_file_saving(self, export_path: Path) -> None:
        """Writes the files that need all samples.

        Args:
            export_path: The dataset's folder while it grows; `self.params["output"]` is where it will stand.
        """

    def get_export_statistics(self) -> dict[str, Any]:
        """Returns, at the end, what stands in `stats.json`."""
        return dict(self.run.statistics)

    def get_error_summary(self) -> dict[str, int]:
        """Returns, at the end, how many items did not make it, by error code."""
        return dict(self.run.statistics.get("failures_by_code", {}))


def built_in(name: str) -> type[BaseExporter]:
    """Returns the exporter of a layout; only the one that is asked for is imported."""
    module, _, kind = LAYOUTS[name].exporter.partition(":")
    return getattr(import_module(module), kind)  # type: ignore[no-any-return]  # the table names exporters


E = TypeVar("E", bound=BaseExporter)


def begun(kind: type[E], run: ExportRun) -> E:
    """Returns an exporter, whether its constructor takes the run alone, or all that `BaseExporter` takes."""
    parameters = inspect.signature(kind).parameters.values()
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL)]
    if len(places) == 1 and not any(p.kind == p.VAR_KEYWORD for p in parameters):
        return kind(run)
    return kind(run, (), run.export_path, **run.params)


def media_path(sample: Sample, folder: str) -> str:
    """Returns where a sample's media file goes in the dataset: `folder/split/name.ext`."""
    return "/".join(filter(None, (folder, sample.split, file_name(sample))))


def file_name(sample: Sample) -> str:
    """Returns what a sample's media file is called in the dataset."""
    name = sample.path.rpartition("/")[2]
    return sample.name + name[name.rfind(".") :] if "." in name[1:-1] else sample.name


def labels_of(sample: Sample) -> tuple[Annotation, ...]:
    """Returns a sample's labels, its class as a whole among them as one without a place in the picture."""
    return sample.annotations + (() if sample.label is None else (Annotation(sample.label),))
