"""The ledger: what became of each key, in files that only ever grow by whole lines.

A ledger is a folder of segments, one per run and batch, named so that later sorts later. Each line is a key and an
outcome under a seal, and the latest line of a key counts. A line that a crash cut short is ignored when read, and cut
off when its segment is opened again, so a batch that is tried again goes on where it stopped. A line that is damaged
otherwise is ignored, too: what it spoke of is done again; `rushes.ledger_check` finds it, and says so.

Three ledgers stand in a workspace. `verified` is keyed by the source (URL without volatile parts, and checksum): it
says what arrived. `media` is keyed by content and recipe: it says what became of those bytes. A new recipe therefore
fetches nothing, and one file behind two URLs is transcoded once. `unpacked` is keyed by content and limits: it says
what came out of an archive.

Lines hold no credentials: the source is reduced to its id and its redacted URL, and joined again from the plan.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from rushes.index import Index
from rushes.jsonl import decode, fsync_dir
from rushes.records import Download, Media, Rejection, Source, Unpacked, Verified
from rushes.seals import seal, whole_lines
from rushes.transfer.urls import redact

__all__ = ["Ledger", "Segment", "every_outcome", "media_key", "segment", "with_source"]

T = TypeVar("T")
_OFFSET_BITS = 40

Known = Download | Verified | Unpacked | Media | Rejection


class _Line(msgspec.Struct, frozen=True):
    key: str
    outcome: Known


class _Key(msgspec.Struct, frozen=True):
    key: str


class _Url(msgspec.Struct, frozen=True):
    url: str


class _Source(msgspec.Struct, frozen=True):
    source: _Url


class _From(msgspec.Struct, frozen=True):
    outcome: _Source


def media_key(sha256: str, recipe: str) -> str:
    """Returns the media ledger's key: these bytes, under this recipe."""
    return f"{sha256}:{recipe}"


def with_source(outcome: Known, source: Source) -> Known:
    """Returns an outcome that belongs to this source: content is shared between items, their rows are not."""
    if isinstance(outcome, Media | Unpacked):
        return msgspec.structs.replace(outcome, verified=msgspec.structs.replace(outcome.verified, source=source))
    return msgspec.structs.replace(outcome, source=source)


class Ledger:
    """A read-only view of a ledger folder; holds two numbers for each line, and reads outcomes when asked.

    Damaged lines are passed over, as if they had never been written.

    Args:
        folder: The ledger; need not exist yet.
        pattern: Which of its segments count.
    """

    def __init__(self, folder: Path, pattern: str = "*.jsonl") -> None:
        self._segments = sorted(folder.glob(pattern))
        self._mapped: tuple[int, mmap.mmap | None] = (0, None)
        self._keys = Index((place, found.key) for place, found in self._each(_Key))

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, key: str) -> Known | None:
        """Returns the latest outcome of a key, or None."""
        lines = map(self._line, self._keys.places(key))
        return next((line.outcome for line in lines if line.key == key), None)

    def of_url(self, url: str) -> Known | None:
        """Returns the latest outcome of whatever key came from a redacted URL, or None; not of media."""
        lines = map(self._line, self._urls.places(url))
        return next((line.outcome for line in lines if _source(line.outcome).url == url), None)

    @cached_property
    def _urls(self) -> Index:
        """A second pass, made by those only who meet a key that is not here."""
        return Index((place, found.outcome.source.url) for place, found in self._each(_From))

    def _each(self, kind: type[T]) -> Iterator[tuple[int, T]]:
        for number, path in enumerate(self._segments):
            name = str(path)
            for offset, line in whole_lines(path):
                if line is not None:
                    yield number << _OFFSET_BITS | offset, decode(line, kind, name, "byte", offset)

    def _line(self, place: int) -> _Line:
        number, offset = place >> _OFFSET_BITS, place & ((1 << _OFFSET_BITS) - 1)
        last, content = self._mapped
        if content is None or number != last:  # neighbours stand in one segment: to open it for each costs more
            with self._segments[number].open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._mapped = number, content
        line = content[offset : content.find(b"\n", offset)]
        return decode(line, _Line, str(self._segments[number]), "byte", offset)


class Segment:
    """One batch's part of a ledger, open for appending."""

    def __init__(self, file: IO[bytes], done: dict[str, Known]) -> None:
        self._file = file
        self.done = done
        """What this segment holds already, by key."""

    def append(self, key: str, outcome: Known) -> None:
        """Adds one whole line and hands it to the operating system."""
        self.done[key] = outcome
        public = Source(_source(outcome).id, redact(_source(outcome).url))
        self._file.write(seal(_Line(key, with_source(outcome, public))) + b"\n")
        self._file.flush()


def every_outcome(folder: Path) -> Iterator[Known]:
    """Yields all that a ledger ever held, the oldest first, also what later lines took the place of."""
    for path in sorted(folder.glob("*.jsonl")):
        for offset, line in whole_lines(path):
            if line is not None:
                yield decode(line, _Line, str(path), "byte", offset).outcome


@contextmanager
def segment(path: Path) -> Iterator[Segment]:
    """Opens a segment, cuts a torn last line off, and fsyncs when the block ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    done: dict[str, Known] = {}
    end = 0
    for offset, text in whole_lines(path):
        if text is not None:
            line = decode(text, _Line, str(path), "byte", offset)
            done[line.key] = line.outcome
            end = offset + len(text)
    os.truncate(path, end)
    with path.open("ab") as file:
        try:
            yield Segment(file, done)
        finally:
            file.flush()
            os.fsync(file.fileno())
            fsync_dir(path.parent)


def _source(outcome: Known) -> Source:
    return outcome.verified.source if isinstance(outcome, Media | Unpacked) else outcome.source
