"""What a dataset holds, counted row by row, in memory that does not grow with the rows."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

from rushes.records import ManifestRow, Quality
from rushes.summary.provenance import Licenses, Sources
from rushes.summary.shapes import DURATIONS_S, BoxPlaces, Histogram

__all__ = ["Stats"]

_BOX_AREAS = ((32**2, "small"), (96**2, "medium"))  # square pixels: the bounds of the COCO evaluation

_FRACTION = 10_000
_MOST_WORST = 10


class _Compared:
    """What transcodes lost, by one metric."""

    def __init__(self) -> None:
        self._items = 0
        self._sum = 0
        self._least = math.inf
        self._worst: list[tuple[float, str]] = []

    def add(self, id_: str, quality: Quality) -> None:
        self._items += 1
        # Whole numbers add up to the same in any order.
        self._sum += round(quality.mean * _FRACTION)
        self._least = min(self._least, quality.min)
        self._worst = sorted([*self._worst, (quality.mean, id_)])[:_MOST_WORST]

    def result(self) -> dict[str, Any]:
        """Returns how many were compared, their mean, their least frame, and those that lost most."""
        return {
            "items": self._items,
            "mean": round(self._sum / self._items / _FRACTION, 4),
            "min": self._least,
            "worst": [{"id": id_, "mean": mean} for mean, id_ in self._worst],
        }


class Stats:
    """Counts manifest rows.

    Rows that name a frame are files of the dataset; all others are items, members of archives among them.

    Attributes:
        items: Items by status.
        announced: Members that archives say they have.
        media: Items that ended ok and are media: no archives.
    """

    def __init__(self) -> None:
        self.items: Counter[str] = Counter()
        self.announced = self.media = 0
        self._codes: Counter[str] = Counter()
        self._actions: Counter[str] = Counter()
        self._robots: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()
        self._quality: defaultdict[str, _Compared] = defaultdict(_Compared)
        self._sizes: Counter[str] = Counter()
        self._codecs: Counter[str] = Counter()
        self._boxes: Counter[int] = Counter()
        self._areas: Counter[str] = Counter()
        self._places = BoxPlaces()
        self._durations = Histogram(DURATIONS_S)
        self._rates: Counter[str] = Counter()
        self._sources = Sources()
        self._licenses = Licenses()
        self._files: Counter[str] = Counter()
        self._splits: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._classes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._bytes = 0
        self._duration_s = 0.0
        self._unlabelled = 0

    def add(self, row: ManifestRow) -> None:
        """Counts one row."""
        if row.frame is None:
            self._add_item(row)
        if row.path is not None:
            self._add_file(row)
        self._dropped.update(row.dropped)
        self._sources.add(row)

    @property
    def planned(self) -> int:
        """Items among the rows."""
        return sum(self.items.values())

    def result(self) -> dict[str, Any]:
        """Returns the content of `stats.json`."""
        return {
            "items": {"planned": self.planned}
            | {status: self.items[status] for status in ("ok", "failed", "skipped", "quarantined")},
            "failures_by_code": _sorted(self._codes),
            "actions": _sorted(self._actions),
            "robots": _sorted(self._robots),
            "files": sum(self._files.values()),
            "files_by_type": _sorted(self._files),
            "bytes": self._bytes,
            "duration_s": round(self._duration_s, 3),
            "splits": {split: _sorted(counts) for split, counts in sorted(self._splits.items())},
            "classes": {name: _sorted(counts) for name, counts in sorted(self._classes.items())},
            "boxes_per_file": {str(boxes): count for boxes, count in sorted(self._boxes.items())},
            "box_sizes": {name: self._areas[name] for name in ("small", "medium", "large")},
            "box_shares": self._places.shares(),
            "box_centres": self._places.centres(),
            "unlabelled_files": self._unlabelled,
            "resolutions": _sorted(self._sizes),
            "codecs": _sorted(self._codecs),
            "durations_s": self._durations.result(),
            "frame_rates": _sorted(self._rates),
            "dropped": _sorted(self._dropped),
            "dropped_streams": _sorted(self._streams),
            "sources": self._sources.result(),
            "licenses": self._licenses.result(),
            "quality": {metric: found.result() for metric, found in sorted(self._quality.items())},
        }

    def _add_item(self, row: ManifestRow) -> None:
        self.items[row.status] += 1
        if row.error_code:
            self._codes[row.error_code] += 1
        if row.action:
            self._actions[row.action] += 1
        if row.robots:
            self._robots[row.robots] += 1
        self.announced += row.members or 0
        self._streams.update(row.dropped_streams)
        if row.quality:
            self._quality[row.quality.metric].add(row.id, row.quality)
        if row.status == "ok" and row.members is None:
            self.media += 1
            self._licenses.add(row)
            self._duration_s += row.duration_s or 0.0
            self._codecs[row.video_codec or row.media_type or "unknown"] += 1
            if row.duration_s is not None:
                self._durations.add(row.duration_s)
            if row.fps is not None:
                self._rates[f"{row.fps:.4g}"] += 1  # at most some thousand: rates of phones differ in every file

    def _add_file(self, row: ManifestRow) -> None:
        self._bytes += row.size_bytes or 0
        self._files[row.media_type or "unknown"] += 1
        self._sizes[f"{row.width}x{row.height}"] += 1
        split = self._splits[row.split or "none"]
        split["files"] += 1
        self._unlabelled += row.annotations is None
        labels = row.annotations or ()
        split["annotations"] += len(labels)
        self._boxes[sum(label.box is not None for label in labels)] += 1
        for label in labels:
            self._classes[label.label][row.split or "none"] += 1
            if label.box is not None:
                self._areas[_area(label.box[2] * label.box[3])] += 1
                if row.width and row.height:
                    self._places.add(label.box, row.width, row.height)


def _area(pixels: float) -> str:
    return next((name for bound, name in _BOX_AREAS if pixels < bound), "large")


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
