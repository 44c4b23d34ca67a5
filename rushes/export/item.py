"""One item of an export: through the hooks, and what came of it, whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import NamedTuple

from msgspec.structs import replace

from rushes.errors import ConfigError, ExporterError, RushesError, StorageError
from rushes.export.base import BaseExporter
from rushes.export.gather import Change, Gatherer
from rushes.export.rows import archive_row, item_row, rejection_row, sample_row
from rushes.export.run import Part
from rushes.records import ManifestRow, Media, Rejection, Sample, Unpacked, WrittenFile
from rushes.rejection import reject

__all__ = ["Exported", "ItemExport", "Prepared", "Ready", "rejected"]


class Prepared(NamedTuple):
    """An item and its samples, ready for the hooks.

    Attributes:
        original: The item, its classes as the source names them.
        media: The item, its classes as the dataset names them.
        dropped: Labels that came into none of the samples, by reason code.
    """

    original: Media
    media: Media
    split: str
    samples: list[Sample]
    dropped: Counter[str]


Ready = Prepared | Unpacked | Rejection


class Exported(NamedTuple):
    """What came of an item.

    Attributes:
        rows: Of the manifest.
        files: That it brought into the dataset.
        parts: That its hooks emitted.
        changes: What its hooks gathered, sample by sample.
        samples: How many of them came into the dataset.
        stopped: Whether it ended as failed or quarantined.
    """

    rows: list[ManifestRow]
    files: list[WrittenFile]
    parts: list[Part]
    changes: list[Change]
    samples: int
    stopped: bool


class ItemExport:
    """Runs items through an exporter.

    Args:
        exporter: The exporter, as its constructor left it.
        emitted: Where its run puts what it emits.
    """

    def __init__(self, exporter: BaseExporter, emitted: list[Part]) -> None:
        self._exporter, self._emitted = exporter, emitted
        self._gatherer = Gatherer(exporter)

    def export(self, ready: Ready) -> Exported:
        """Exports an item; where a hook raises an error that speaks of it, it ends as failed, and its files go.

        Raises:
            ExporterError: A hook broke, or gathered what cannot be put together.
            StorageError: A file cannot be written or placed.
        """
        run = self._exporter.run
        changes: list[Change] = []
        rows, failed = [], None
        try:
            rows = list(self._rows(ready, changes))
            files = run.settle()
        except (ConfigError, ExporterError, StorageError):
            raise
        except RushesError as error:
            if not isinstance(ready, Prepared):
                raise
            failed = rejected(ready.media, error)
            rows, files = [rejection_row(failed)], []
            run.undo()
            self._gatherer.reset()
            self._emitted.clear()
            changes.clear()
        parts = self._emitted[:]
        self._emitted.clear()
        samples = len(ready.samples) if isinstance(ready, Prepared) and failed is None else 0
        return Exported(rows, files, parts, changes, samples, failed is not None or isinstance(ready, Rejection))

    def reasons(self, samples: Iterable[Sample]) -> Counter[str]:
        """Returns what samples lose in their conversion; writes nothing, if `convert_data` does not."""
        run, found = self._exporter.run, Counter[str]()
        for sample in samples:
            run.dropped = Counter(sample.dropped)
            self._exporter.convert_data(self._exporter.before_convert(sample))
            found += run.dropped
        self._gatherer.reset()
        self._emitted.clear()
        return found

    def _rows(self, ready: Ready, changes: list[Change]) -> Iterator[ManifestRow]:
        if not isinstance(ready, Prepared):
            yield rejection_row(ready) if isinstance(ready, Rejection) else archive_row(ready)
            return
        _, media, split, samples, dropped = ready
        refusals: list[RushesError] = []
        rows = [self._row(media, sample, changes, refusals) for sample in samples]
        if refusals and len(refusals) == len(samples):
            reasons = sum((Counter(row.dropped) for row in rows), dropped)
            yield rejection_row(replace(rejected(media, refusals[0]), dropped=dict(sorted(reasons.items()))))
            return
        if len(samples) == 1 and samples[0].parent is None:
            yield replace(rows[0], dropped=dict(sorted((dropped + Counter(rows[0].dropped)).items())))
            return
        yield item_row(media, split, dropped)
        yield from rows

    def _row(self, media: Media, sample: Sample, changes: list[Change], refusals: list[RushesError]) -> ManifestRow:
        run = self._exporter.run
        run.dropped = Counter(sample.dropped)
        run.begin_sample()
        with running(self._exporter, sample.id):
            self._exporter.export(sample)
        if change := self._gatherer.take():
            changes.append(change)
        if run.refusal:
            refusals.append(run.refusal)
        row = sample_row(media, sample, run.placed, run.dropped)
        made = next((file for file in reversed(run.written) if file.path == run.placed), None)
        if made is None or made.sha256 == row.sha256:
            return row
        return replace(row, sha256=made.sha256, size_bytes=made.size_bytes)  # the exporter wrote it in its place


@contextmanager
def running(exporter: BaseExporter, what: str) -> Iterator[None]:
    """Says which exporter broke, and on what, where an error is none that rushes understands.

    Raises:
        ExporterError: Its hook raised such an error.
    """
    try:
        yield
    except RushesError:
        raise
    except Exception as error:  # a hook is the user's code, and may raise anything; it is raised on, with its place
        name = type(exporter).__name__
        raise ExporterError(
            f"{name} broke on {what}: {type(error).__name__}: {error}{_at(error, exporter)}."
        ) from error


def rejected(media: Media, error: RushesError) -> Rejection:
    """Returns how an item ended that the export stopped; people know it by its id, not by the name of its file."""
    verified = media.verified
    rejection = reject(verified.source, "export", error)
    known = {"attempts": verified.attempts, "sha256": verified.sha256, "size_bytes": verified.size_bytes}
    return replace(rejection, message=rejection.message.replace(Path(media.path).name, verified.source.id), **known)


def _at(error: Exception, exporter: BaseExporter) -> str:
    """Returns where the exporter was: in the last line of its own module, whatever that called, where there is one."""
    places = list(walk_tb(error.__traceback__))
    own = [place for place in places if place[0].f_globals.get("__name__") == type(exporter).__module__]
    frame, line = (own or places)[-1]
    return f" ({Path(frame.f_code.co_filename).name}, line {line})"
