"""What stands in the report, section by section, as texts and numbers that a template only has to place.

Whatever is empty is left out: a section that has nothing to say is None, or an empty list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rushes.jsonl import read_lines
from rushes.summary.explained import explained
from rushes.summary.outcome import FAILURES, STATUSES
from rushes.summary.report.figures import Table, table_of
from rushes.summary.report.reasons import REASONS
from rushes.summary.report.words import clean, cut, listed, number, percent, size, span

__all__ = [
    "Failure",
    "changes",
    "counted",
    "dropped",
    "failures",
    "ordered",
    "provenance",
    "quality",
    "settings",
    "split_table",
    "stages",
    "sum_of",
]

_EXAMPLES = 5
_MOST_TEXT = 500


class _Failed(msgspec.Struct, gc=False):
    id: str
    source: str
    status: str
    error_code: str | None = None
    error: str | None = None


class Failure(NamedTuple):
    """What stopped some items.

    Attributes:
        code: The error code.
        items: How many it stopped.
        status: How these items ended.
        meaning: Of the code.
        remedy: What to do.
        examples: The first of them: id, message, source.
    """

    code: str
    items: int
    status: str
    meaning: str
    remedy: str
    examples: Sequence[tuple[str, str, str]]


def failures(stats: Mapping[str, Any], folder: Path) -> list[Failure]:
    """Returns what stopped items, that which stopped most of them first."""
    counts: dict[str, int] = stats["failures_by_code"]
    first = _first_of(counts, folder / FAILURES)
    return [
        Failure(
            code,
            count,
            first[code][0].status if first[code] else "failed",
            *explained(code),
            [(cut(row.id, 120), cut(row.error or "", _MOST_TEXT), cut(row.source, 300)) for row in first[code]],
        )
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _first_of(counts: Mapping[str, int], path: Path) -> Mapping[str, list[_Failed]]:
    """Returns the first rows of each code; reads no further than needed."""
    found: defaultdict[str, list[_Failed]] = defaultdict(list)
    missing = sum(min(count, _EXAMPLES) for count in counts.values())
    for row in read_lines(path, _Failed) if missing and path.is_file() else ():
        if row.error_code and len(found[row.error_code]) < _EXAMPLES:
            found[row.error_code].append(row)
            missing -= 1
        if not missing:
            break
    return found


def ordered(splits: Mapping[str, Any]) -> list[str]:
    """Returns the names of splits in the order of training."""
    usual = ("train", "val", "test")
    return [*(name for name in usual if name in splits), *sorted(set(splits) - set(usual))]


def split_table(splits: Mapping[str, Mapping[str, int]]) -> Table | None:
    """Returns what is in each split."""
    if not splits:
        return None
    files = sum(counts.get("files", 0) for counts in splits.values())
    rows = [
        (
            clean(name),
            number(splits[name].get("files", 0)),
            percent(splits[name].get("files", 0), files),
            number(splits[name].get("annotations", 0)),
        )
        for name in ordered(splits)
    ]
    labels = sum(counts.get("annotations", 0) for counts in splits.values())
    return Table(("Split", "Files", "Share", "Labels"), [*rows, ("All", number(files), "100 %", number(labels))])


def changes(since: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Returns how the dataset differs from the one before it."""
    if not since:
        return None
    words = {
        "added": "rows added",
        "vanished": "rows vanished",
        "status": "with another status",
        "content": "with other bytes",
        "labels": "with other labels",
        "split": "in another split",
        "attributes": "with another URL, group or attribute",
    }
    counts = [(number(since["counts"][kind]), text) for kind, text in words.items() if since["counts"].get(kind)]
    rows = [
        (clean(name), number(before), number(now), f"{now - before:+,}")
        for name, (before, now) in sorted(since["classes"].items(), key=lambda item: -abs(item[1][1] - item[1][0]))
    ]
    return {
        "run": since["run"],
        "differ": since["differ"],
        "rows": since["rows"],
        "counts": counts,
        "classes": table_of(("Class", "Labels before", "Labels now", "Change"), rows) if rows else None,
    }


def dropped(stats: Mapping[str, Any]) -> Table | None:
    """Returns what the export left out or changed."""
    rows = [
        (code, number(count), REASONS.get(code, ""))
        for code, count in sorted(stats["dropped"].items(), key=lambda item: (-item[1], item[0]))
    ]
    return table_of(("Reason", "Labels", "What became of them"), rows) if rows else None


def quality(stats: Mapping[str, Any]) -> list[tuple[str, str, Table]]:
    """Returns for each metric its name, what was found, and the items that lost most."""
    return [
        (
            metric.upper(),
            f"{number(found['items'])} compared; mean {found['mean']:g}, worst frame {found['min']:g}.",
            Table(("Item", "Mean"), [(cut(one["id"], 120), f"{one['mean']:g}") for one in found["worst"]]),
        )
        for metric, found in stats["quality"].items()
    ]


def counted(counts: Mapping[str, Any], what: str, of: str) -> Table | None:
    """Returns a table of plain counts, the largest first."""
    plain = {name: count for name, count in counts.items() if isinstance(count, int)}
    total = sum(plain.values())
    rows = [
        (cut(name, 200), number(count), percent(count, total))
        for name, count in sorted(plain.items(), key=lambda item: (-item[1], item[0]))
    ]
    return table_of((what, of, "Share"), rows) if rows else None


def stages(work: Mapping[str, Mapping[str, float]]) -> Table | None:
    """Returns time and throughput of each stage."""
    usual = ("download", "checksum", "unpack", "transcode", "chunks", "export")
    names = [*(name for name in usual if name in work), *sorted(set(work) - set(usual))]
    rows = [(name, *_stage(work[name])) for name in names]
    head = ("Stage", "Batches", "Done", "Stopped", "Bytes", "Busy", "Per busy second")
    return Table(head, rows) if rows else None


def _stage(work: Mapping[str, float]) -> Iterator[str]:
    yield from (number(work[name]) for name in ("batches", "done", "stopped"))
    yield size(work["bytes"]) if work["bytes"] else "\N{EN DASH}"
    yield span(work["busy_s"])
    if not work["busy_s"] or not work["done"]:
        yield "\N{EN DASH}"
    else:
        speed = f", {size(work['bytes'] / work['busy_s'])}" if work["bytes"] else ""
        yield f"{work['done'] / work['busy_s']:.3g} items{speed}"


def settings(summary: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """Returns the settings that made the dataset, and what ran them; credentials are none of these."""
    found = []
    for name in ("export", "transcode", "frames", "versions"):
        if summary.get(name):
            rows = [(key, cut(value, 300)) for key, value in _flat(summary[name])]
            found.append((name, table_of(("Key", "Value"), rows)))
    return found


def _flat(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in sorted(value.items()):
        if isinstance(inner, Mapping) and inner:
            yield from _flat(inner, f"{before}{key}.")
        elif isinstance(inner, list | tuple):
            yield before + key, listed(inner, 30) or "none"
        elif isinstance(inner, bool):
            yield before + key, "yes" if inner else "no"
        else:
            yield before + key, str(inner or "none") if inner != 0 else "0"


def sum_of(items: Mapping[str, int]) -> list[tuple[str, str]]:
    """Returns how the items add up: what was planned, and then how it ended."""
    return [(status, number(items[status])) for status in ("planned", *STATUSES)]


def provenance(stats: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """Returns where items came from, the most of them first, and under which licenses."""
    sources = _sources(stats.get("sources", {}))
    licenses = counted(stats.get("licenses", {}), "License", "Items")
    named = (("Where items came from", sources), ("Licenses of items in the dataset", licenses))
    return [(title, table) for title, table in named if table]


def _sources(places: Mapping[str, Mapping[str, int]]) -> Table | None:
    rows = [
        (cut(name, 200), *(number(counts[status]) for status in STATUSES), size(counts["bytes"]))
        for name, counts in sorted(places.items(), key=_by_items)
    ]
    return table_of(("Host or folder", *map(str.capitalize, STATUSES), "Bytes"), rows) if rows else None


def _by_items(place: tuple[str, Mapping[str, int]]) -> tuple[int, str]:
    return -sum(place[1][status] for status in STATUSES), place[0]
