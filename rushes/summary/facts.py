"""What the documents that stand beside a dataset's files are written from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.config import Pipeline
from rushes.workspace import Workspace

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """A dataset whose files, manifest and counts are written, and whose documents are not.

    Attributes:
        pipeline: What it was made by.
        workspace: Where its media are, too.
        run: The run that makes it.
        classes: Its class names, in their order.
        stats: The content of `stats.json`.
        folder: Where it grows: the place for documents. With an output in a storage, media are not in it.
    """

    pipeline: Pipeline
    workspace: Workspace
    run: str
    classes: tuple[str, ...]
    stats: dict[str, Any]
    folder: Path
