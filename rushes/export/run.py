"""What an exporter may do to a dataset: write files, place media, hand values to the end, and say what it left out."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from rushes.export.media import place
from rushes.jsonl import read_lines
from rushes.records import Sample, WrittenFile
from rushes.workspace import Workspace

__all__ = ["ExportRun", "Part"]

_log = logging.getLogger("rushes.export")


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A value that a batch hands to the end of the export, under a kind of the exporter's choice."""

    kind: str
    value: Any


class ExportRun:
    """One batch of an export, or its end, as the exporter sees it.

    Files are written in place and not fsynced one by one: the dataset grows in a folder of its own, which is synced as
    a whole before it counts.

    Args:
        params: The exporter's parameters.
        workspace: Where the samples' files are.
        export_path: The dataset's folder.
        emitted: Takes each part; None at the end, where nobody would read them.
        parts: Files of all batches' parts, in batch order; empty before the end.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        workspace: Workspace,
        export_path: Path,
        emitted: Callable[[Part], object] | None = None,
        parts: Sequence[Path] = (),
    ) -> None:
        self.params = params
        self.export_path = export_path
        self.written: list[WrittenFile] = []
        """Files since the list was last cleared."""
        self.placed: str | None = None
        """Path in the dataset of the media file that was placed last."""
        self.dropped: Counter[str] = Counter()
        """Reason codes since the counter was last cleared."""
        self._workspace = workspace
        self._emitted = emitted
        self._parts = parts
        self._folders: set[Path] = set()

    def log_message(self, message: str, level: str = "info") -> None:
        """Logs a message; `level` is one of debug, info, warning, error and critical."""
        _log.log(logging.getLevelNamesMapping()[level.upper()], "%s", message)

    def drop(self, reason: str, count: int = 1) -> None:
        """Notes, for the manifest and the stats, that labels of the sample at hand were left out or changed."""
        self.dropped[reason] += count

    def emit(self, kind: str, value: Any) -> None:
        """Hands a JSON value to `additional_file_saving`, which reads it with `parts`.

        Raises:
            RuntimeError: It is the end already.
        """
        if self._emitted is None:
            raise RuntimeError(
                f"emit({kind!r}): only the hooks of a single sample can emit; the end reads with parts()"
            )
        self._emitted(Part(kind, value))

    def parts(self, kind: str) -> Iterator[Any]:
        """Yields what all batches emitted under a kind, in the order of the source, however the batches were cut."""
        for path in self._parts:
            lines: Iterator[Part] = read_lines(path, Part)
            yield from (part.value for part in lines if part.kind == kind)

    def write(self, relative: str, data: bytes | Iterable[bytes]) -> WrittenFile:
        """Writes a file of the dataset, whole or piece by piece.

        Args:
            relative: Its path in the dataset.
            data: Its content.

        Raises:
            ValueError: The path leads out of the dataset.
        """
        target = self._target(relative)
        target.unlink(missing_ok=True)  # it may be a second name of a stored file
        digest, size_bytes = hashlib.sha256(), 0
        with target.open("xb") as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                digest.update(piece)
                size_bytes += file.write(piece)
        return self._record(WrittenFile(relative, digest.hexdigest(), size_bytes))

    def place(self, sample: Sample, relative: str) -> WrittenFile:
        """Puts a sample's media file into the dataset, as `export.media` says.

        Args:
            sample: The sample.
            relative: The file's path in the dataset.

        Raises:
            StorageError: `link` is asked for and not possible.
            ValueError: The path leads out of the dataset.
        """
        place(self._workspace.path(sample.path), self._target(relative), self.params["media"])
        self.placed = relative
        return self._record(WrittenFile(relative, sample.sha256, sample.size_bytes))

    def _record(self, file: WrittenFile) -> WrittenFile:
        self.written.append(file)
        return file

    def _target(self, relative: str) -> Path:
        path = PurePosixPath(relative)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise ValueError(f"{relative!r}: expected a path inside the dataset")
        target = self.export_path / path
        if target.parent not in self._folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(target.parent)
        return target
