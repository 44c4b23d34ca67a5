"""Whether a new dataset may take the place of the one that stands at the output, as far as its classes go."""

from __future__ import annotations

import json
from typing import Any

from rushes.config import Pipeline
from rushes.export.classes import check_drift, classes_of
from rushes.plan import load_plan
from rushes.summary.output import published
from rushes.summary.publish import SUMMARY, is_good
from rushes.transfer.urls import redact
from rushes.workspace import Workspace

__all__ = ["check_classes"]

_NAMES = "classes.txt"


def check_classes(pipeline: Pipeline, workspace: Workspace, run: str) -> None:
    """Compares the classes of a planned run with those of the dataset at the output.

    Raises:
        ConfigError: The keys of `export` contradict each other.
        ClassesError: A required class is missing, or `export.allow_class_drift` does not let the classes drift.
    """
    now = classes_of(pipeline, load_plan(workspace, run).classes).names
    check_drift(_before(pipeline), now, pipeline.export.allow_class_drift, redact(pipeline.output_place))


def _before(pipeline: Pipeline) -> list[str]:
    """Returns the classes of the dataset at the output; none where there is none, or one whose run failed."""
    with published(pipeline.output_place, SUMMARY, _NAMES) as folder:
        try:
            summary: dict[str, Any] = json.loads((folder / SUMMARY).read_bytes())
        except FileNotFoundError:
            return []
        if not is_good(summary):
            return []
        if "classes" in summary:
            return [*summary["classes"]]
        names = folder / _NAMES
        return names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
