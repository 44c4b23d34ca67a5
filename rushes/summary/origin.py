"""What a dataset carries beside its manifest so that it can be made again.

sources.jsonl  the row that each item of the dataset came from, as it was given, without credentials
rebuild.json   the settings that decide the dataset's bytes, the classes of its source, and what is known of them

Both are the same for the same input, and speak of no place of the machine that made the dataset but those of its items.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.export.given import ORIGINAL
from rushes.export.handover import handed_over
from rushes.labels import Category
from rushes.plan import Plan, load_categories
from rushes.summary.publish import REBUILD, SOURCES
from rushes.workspace import Workspace

__all__ = ["REBUILD", "SOURCES", "Origin", "load_origin", "rebuilt_from", "write_origin"]

_HOW = {"allow_class_drift", "bag", "code", "media", "required_classes", "strict"}
"""Keys of `export` that say whether and how a dataset may be written, and nothing of what is in it."""
_WHAT = {"max_bytes", "robots", "unpack"}
"""Keys of `download` that say what an item may be."""


class Origin(msgspec.Struct, frozen=True):
    """What decides a dataset's bytes, beside the bytes and the labels of its items.

    Attributes:
        pipeline: Keys of the pipeline file.
        classes: Names of classes that the source used, in its order.
        categories: What a source that was a dataset said of its classes.
    """

    pipeline: dict[str, Any]
    classes: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()


def write_origin(pipeline: Pipeline, workspace: Workspace, plan: Plan, names: Iterable[str], building: Path) -> None:
    """Writes both files; the rows are what the export batches left, in the order of the source."""
    with (building / SOURCES).open("wb") as file:
        for name in names:
            with handed_over(workspace, plan.run, name, "sources").open("rb") as part:
                shutil.copyfileobj(part, file)
    origin = Origin(_settings(pipeline), plan.classes, load_categories(workspace, plan.run))
    # Not sorted: the order of classes that merge is that of their numbers, and splits are dealt in theirs.
    (building / REBUILD).write_bytes(msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")


def load_origin(dataset: Path) -> Origin:
    """Reads `rebuild.json`.

    Raises:
        ConfigError: There is none, or it is no such file.
    """
    path = dataset / REBUILD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Origin)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: no such file. A dataset can be rebuilt that has {REBUILD} and {SOURCES}, as every run writes "
            "them; run the pipeline of this one once more."
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}. Take the file from another copy.") from None


def rebuilt_from(workspace: Workspace, run: str) -> str | None:
    """Returns the digest of the manifest that a run makes again; None of a run that makes something new."""
    path = workspace.run(run) / ORIGINAL
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settings(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "name": pipeline.name,
        "about": pipeline.about.model_dump(mode="json", exclude_defaults=True),
        "download": pipeline.download.model_dump(mode="json", include=_WHAT),
        "transcode": _transcode(pipeline),
        "frames": pipeline.frames.model_dump(mode="json") if pipeline.frames else None,
        "export": pipeline.export.model_dump(mode="json", exclude=_HOW),
    }


def _transcode(pipeline: Pipeline) -> dict[str, Any] | None:
    """Returns the settings as they came to be: what a profile stands for, another release may change."""
    config, check = pipeline.transcode_config, pipeline.quality_check
    if config is None:
        return None
    return {"profile": "none"} | asdict(config) | {"quality": asdict(check) if check else None}
