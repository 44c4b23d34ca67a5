"""Which exporter a pipeline asks for, and what it is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes.config import Pipeline
from rushes.export.base import BaseExporter, built_in
from rushes.export.classes import ClassMap
from rushes.export.custom import custom_exporter
from rushes.labels import Category
from rushes.layouts import LAYOUTS
from rushes.storage import is_storage
from rushes.transfer.urls import redact
from rushes.workspace import Workspace

__all__ = ["exporter_of", "is_custom", "params_of", "previous_of"]


def exporter_of(pipeline: Pipeline, workspace: Workspace, run: str) -> type[BaseExporter]:
    """Returns the exporter that `export.format` names.

    Raises:
        ConfigError: It is one of the user's own, and not there, or no exporter.
    """
    return custom_exporter(pipeline, workspace, run) if is_custom(pipeline) else built_in(pipeline.export.format)


def is_custom(pipeline: Pipeline) -> bool:
    """Says whether the exporter is one of the user's own."""
    return pipeline.export.format not in LAYOUTS


def previous_of(pipeline: Pipeline) -> Path | None:
    """Returns the dataset whose files a new one takes over where they are the same; None where there is none.

    While hooks of the user's own run, none is taken over, because they might write through it.
    """
    place = pipeline.output_place
    here = None if is_custom(pipeline) or is_storage(place) else Path(place)
    return here if here and here.is_dir() else None


def params_of(pipeline: Pipeline, mapping: ClassMap, known: Sequence[Category] = ()) -> Mapping[str, Any]:
    """Returns the parameters of an exporter: those that each has, and `export.params`.

    Args:
        pipeline: The pipeline.
        mapping: Its classes.
        known: What a source that is a dataset says of its own.
    """
    export = pipeline.export
    return {
        "name": pipeline.name,
        "format": export.format,
        "classes": mapping.names,
        "categories": mapping.categories(known),
        "split": dict(export.split),
        "media": export.media,
        "shard_bytes": export.shard_bytes,
        "output": redact(pipeline.output_place),
        **export.params,
    }
