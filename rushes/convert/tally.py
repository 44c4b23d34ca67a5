"""What a conversion counts on its way, and what it says at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rushes.export.run import ExportRun
from rushes.records import Sample

__all__ = ["Conversion", "Tally"]


class Conversion(msgspec.Struct, frozen=True):
    """What came of a conversion.

    Attributes:
        source: Format that was read.
        target: Format that was written.
        items: Images and videos that came into the dataset.
        labels: Labels of them that came in, whole or in part.
        left_out: Items that did not, by reason.
        dropped: Labels that were left out or changed, by reason code.
        files: How many files the dataset has, media with them.
        size_bytes: Of the files that were written, without media.
        splits: Items by split.
        warnings: What a training would stumble over.
        over_limit: Always false: a conversion has no failures, it stops.
    """

    source: str
    target: str
    items: int
    labels: int
    left_out: dict[str, int]
    dropped: dict[str, int]
    files: int
    size_bytes: int
    splits: dict[str, int]
    warnings: list[str]
    over_limit: bool = False


@dataclass(slots=True)
class Tally:
    """What is counted on the way."""

    items: int = 0
    labels: int = 0
    files: int = 1
    size_bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    other_size: str = ""
    """The first image of another size than its labels are drawn in, in words."""

    def take(self, sample: Sample, run: ExportRun) -> None:
        """Counts a sample that its exporter is done with."""
        if run.placed is not None:
            self.items += 1
            self.labels += len(sample.annotations) + (sample.label is not None)
            self.splits[sample.split] += 1
        for counts in (sample.dropped, run.dropped):
            for reason, count in counts.items():
                self.dropped[reason] += count
        self.count(run)

    def count(self, run: ExportRun) -> None:
        """Counts the files that were written since the last time."""
        for file in run.written:
            self.files += 1
            self.size_bytes += file.size_bytes
        run.forget()

    def ended(self) -> dict[str, Any]:
        """Returns the counts as a `Conversion` has them."""
        counters = {name: dict(sorted((+getattr(self, name)).items())) for name in ("splits", "left_out", "dropped")}
        return {
            "items": self.items,
            "labels": self.labels,
            "files": self.files,
            "size_bytes": self.size_bytes,
        } | counters
