"""What an exporter may do to a dataset: write files, place media, hand values to the end, and say what it left out."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any

import msgspec

from rushes.errors import ExporterError, RushesError
from rushes.export.kept import linked, same_bytes
from rushes.export.media import place
from rushes.jsonl import read_lines
from rushes.progress import throttled
from rushes.records import Sample, WrittenFile
from rushes.workspace import Workspace

__all__ = ["ExportRun", "Part"]

_log = logging.getLogger("rushes.export")
_log.addHandler(logging.NullHandler())  # what matters is shown at the end, once
_MESSAGES = 100  # of a batch; more say the same
_BUFFER_BYTES = 2**17
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A value that a batch hands to the end of the export, under a kind of the exporter's choice."""

    kind: str
    value: Any


class _Line(msgspec.Struct, frozen=True, array_like=True):
    """A part as it is read: most passes over the parts are after one kind, and decode no other."""

    kind: str
    value: msgspec.Raw


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
        statistics: Content of `stats.json`; empty before the end.
        previous: The dataset before, whose files are taken over where they are the same; None where there is none.
        watched: Look, before a file counts, whether the exporter changed it by itself after it was written or placed.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        workspace: Workspace,
        export_path: Path,
        emitted: Callable[[Part], object] | None = None,
        parts: Sequence[Path] = (),
        statistics: Mapping[str, Any] = MappingProxyType({}),
        previous: Path | None = None,
        watched: bool = False,
    ) -> None:
        self.params = params
        self.export_path = export_path
        self.statistics = statistics
        self.written: list[WrittenFile] = []
        """Files since the list was last cleared."""
        self.placed: str | None = None
        """Path in the dataset of the media file that was placed last."""
        self.refusal: RushesError | None = None
        """Why the sample at hand cannot stand in the dataset."""
        self.dropped: Counter[str] = Counter()
        """Reason codes since the counter was last cleared."""
        self.messages: list[str] = []
        """Warnings, the first hundred of them."""
        self._workspace = workspace
        self._emitted = emitted
        self._parts = parts
        self._folders: set[str] = set()
        self._previous = previous
        self._watched = watched
        self._states: dict[str, tuple[int, int] | None] = {}
        self._placed: dict[str, Path] = {}
        self._progress: dict[str, Callable[[int, int], None]] = {}

    def log_message(self, message: str, level: str = "info") -> None:
        """Logs a message, and shows it to whoever started the run if it is a warning or worse.

        Args:
            message: The message.
            level: debug, info, warning, error or critical.
        """
        number = logging.getLevelNamesMapping()[level.upper()]
        _log.log(number, "%s", message)
        if number >= logging.WARNING and len(self.messages) < _MESSAGES:
            self.messages.append(message)

    def set_progress(self, current: int, total: int, category: str = "export") -> None:
        """Logs how far the exporter is with something, once in ten seconds at most."""
        if category not in self._progress:
            self._progress[category] = throttled(self.log_message, category)
        self._progress[category](current, total)

    def drop(self, reason: str, count: int = 1) -> None:
        """Notes, for the manifest and the stats, that labels of the sample at hand were left out or changed."""
        self.dropped[reason] += count

    def begin_sample(self) -> None:
        """Forgets what was noted of the sample before: where it was placed, or why it cannot be."""
        self.placed = self.refusal = None

    def refuse(self, error: RushesError) -> None:
        """Notes that the sample at hand cannot stand in the dataset; an item of which none can ends with this error."""
        self.refusal = error

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

    def parts(self, kind: str, type: Any = Any) -> Iterator[Any]:  # noqa: A002  as msgspec calls it
        """Yields what all batches emitted under a kind, in the order of the source, however the batches were cut.

        Args:
            kind: The kind.
            type: What the values are decoded into; by default, what JSON has.
        """
        decoder = msgspec.json.Decoder(type)
        for line in self._lines():
            if line.kind == kind:
                yield decoder.decode(line.value)

    def kinds(self) -> set[str]:
        """Returns the kinds under which all batches emitted."""
        return {line.kind for line in self._lines()}

    def _lines(self) -> Iterator[_Line]:
        for path in self._parts:
            yield from read_lines(path, _Line)

    def write(self, relative: str, data: bytes | Iterable[bytes]) -> WrittenFile:
        """Writes a file of the dataset, whole or piece by piece.

        Args:
            relative: Its path in the dataset.
            data: Its content.

        Raises:
            ValueError: The path leads out of the dataset.
        """
        target = self._target(relative)
        self._placed.pop(relative, None)
        if isinstance(data, bytes):
            old = self._previous / relative if self._previous else None
            if not (old and same_bytes(old, data) and linked(old, Path(target))):
                _write(target, data)
            return self._record(WrittenFile(relative, hashlib.sha256(data).hexdigest(), len(data)))
        digest, size_bytes = hashlib.sha256(), 0
        with open(_new(target), "wb", buffering=_BUFFER_BYTES) as file:
            for piece in data:
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
        old = self._previous / relative if self._previous else None
        place(self._workspace.path(sample.path), Path(self._target(relative)), self.params["media"], old)
        self.placed = relative
        self._placed[relative] = self._workspace.path(sample.path)
        return self._record(WrittenFile(relative, sample.sha256, sample.size_bytes))

    def settle(self) -> list[WrittenFile]:
        """Returns what was written since the last time, each file once and as it is now.

        Raises:
            ExporterError: A media file was changed where it stands, which may be the workspace's own.
        """
        files = {file.path: file for file in self.written}
        for relative, state in self._states.items():
            if _state(self.export_path / relative) != state:
                files[relative] = self._changed(relative)
        self.forget()
        return [*files.values()]

    def _changed(self, relative: str) -> WrittenFile:
        path, stored = self.export_path / relative, self._placed.get(relative)
        if stored or not path.is_file():
            if stored and path.is_file() and path.samefile(stored):
                stored.unlink()  # these bytes are not what its name says; the next run brings them here anew
            raise ExporterError(
                f"{relative}: changed or removed by the exporter after it was placed or written. Write what you make "
                "of a media file by run.write, in its place or under another name."
            )
        content = path.read_bytes()
        return WrittenFile(relative, hashlib.sha256(content).hexdigest(), len(content))

    def undo(self) -> None:
        """Removes what was written since the last time."""
        for file in self.written:
            (self.export_path / file.path).unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Forgets what was written."""
        self.written.clear()
        self._placed.clear()
        self._states.clear()

    def stored(self, path: str) -> Path:
        """Returns where the file at a sample's `path` is, for reading, and has it here where the workspace is not."""
        self._workspace.need(path)
        return self._workspace.path(path)

    def _record(self, file: WrittenFile) -> WrittenFile:
        self.written.append(file)
        if self._watched:
            self._states[file.path] = _state(self.export_path / file.path)
        return file

    def _target(self, relative: str) -> str:
        """Returns where a file of the dataset goes, its folder made; this is done for each file, so by strings."""
        folder, _, name = relative.rpartition("/")
        if folder not in self._folders or name in ("", ".", ".."):
            path = PurePosixPath(relative)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                raise ValueError(f"{relative!r}: expected a path inside the dataset")
            (self.export_path / path).parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(folder)
        return f"{self.export_path}/{relative}"


def _write(path: str, data: bytes) -> None:
    """Writes a new file; without Python's file objects, which take longer than a small file does."""
    handle = _new(path)
    try:
        while data:
            data = data[os.write(handle, data) :]
    finally:
        os.close(handle)


def _new(path: str) -> int:
    """Opens a new file, in place of what stands there: it may be a second name of a stored file."""
    try:
        return os.open(path, _NEW, 0o666)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108  # a Path for each file costs more
        return os.open(path, _NEW, 0o666)


def _state(path: Path) -> tuple[int, int] | None:
    """Returns what tells that a file is another one than before; a hard link's other times change with its names."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
