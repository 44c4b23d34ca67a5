"""An export that takes media where the user has them, in place of a workspace."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rushes.errors import AnnotationError
from rushes.export.run import ExportRun, Part
from rushes.records import Sample, WrittenFile
from rushes.workspace import Workspace

__all__ = ["OwnFiles"]


class OwnFiles(ExportRun):
    """An export from files that are the user's own: nothing of theirs changes.

    Args:
        params: The exporter's parameters.
        folder: The source's, from which its paths count.
        building: Where the dataset grows.
        emitted: Takes each part.
    """

    def __init__(
        self, params: Mapping[str, Any], folder: Path, building: Path, emitted: Callable[[Part], object]
    ) -> None:
        super().__init__(params, Workspace(folder), building, emitted)

    def place(self, sample: Sample, relative: str) -> WrittenFile:
        """Puts a media file into the dataset, or only says where it would stand."""
        self.placed = relative
        if self.params["media"] == "none":
            return WrittenFile(relative, "", 0)
        path = self._workspace.path(sample.path)
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise AnnotationError(
                f"{sample.path}: cannot be read: {error.strerror}. Put the media where the labels say, or leave them "
                "out (media: none)."
            ) from None
        placed = super().place(sample, relative)
        if path.stat().st_mode & 0o7777 != mode:
            path.chmod(mode)  # a hard link is write-protected for the sake of a store, and this is none
        return placed

    def end(self, parts: Path) -> None:
        """From here on, only what was emitted is read."""
        self._emitted, self._parts = None, (parts,)
