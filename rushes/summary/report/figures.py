"""The plots of the report, each with what it shows in words and in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rushes.summary.report import plots
from rushes.summary.report.words import clean, cut, number, percent, span

__all__ = ["Figure", "Table", "box_figures", "class_figure", "media_figures"]

_MOST_BARS = 20
_MOST_ROWS = 400
_LABEL = 21  # characters that stand left of a bar


class Table(NamedTuple):
    """A table; the first cell of each row names it.

    Attributes:
        head: Names of the columns.
        rows: Cells, as people read them.
        more: Rows that were left out.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    more: int = 0


class Figure(NamedTuple):
    """A plot.

    Attributes:
        title: Over it.
        svg: The plot.
        alt: What it shows, in words.
        table: The same in numbers.
        parts: What the colours of parted bars mean.
    """

    title: str
    svg: str
    alt: str
    table: Table
    parts: Sequence[str] = ()


def class_figure(classes: Mapping[str, Mapping[str, int]], splits: Sequence[str]) -> Figure | None:
    """Returns how many labels each class has in each split; the long tail of small classes is one bar.

    Args:
        classes: Labels by class and split; of a class without labels, none.
        splits: Names of the splits, in the order to show.
    """
    rows = [(name, [counts.get(split, 0) for split in splits]) for name, counts in classes.items()]
    rows.sort(key=lambda row: (-sum(row[1]), row[0]))
    if not any(sum(values) for _, values in rows):
        return None
    table = Table(
        ("Class", *splits, "All"),
        [(clean(name), *map(number, values), number(sum(values))) for name, values in rows[:_MOST_ROWS]],
        max(0, len(rows) - _MOST_ROWS),
    )
    return _bars("Labels per class", rows, table, splits)


def box_figures(stats: Mapping[str, Any]) -> list[Figure]:
    """Returns where boxes are, how large they are, and how many a file has."""
    found = []
    shares = stats.get("box_shares", [])
    if any(one["count"] for one in shares):
        rows = _trimmed(_counted(shares, lambda bound: f"{100 * bound:g} %"))
        found.append(_columns("Size of boxes", rows, "less than this share of the picture", "Less than", "Boxes"))
    centres = stats.get("box_centres", [])
    if any(map(any, centres)):
        found.append(_heat(centres))
    per_file = stats["boxes_per_file"]
    if set(per_file) - {"0"}:
        rows = _binned({int(boxes): count for boxes, count in per_file.items()})
        found.append(_columns("Boxes per file", rows, "boxes in one file", "Boxes", "Files"))
    return found


def media_figures(stats: Mapping[str, Any]) -> list[Figure]:
    """Returns sizes, codecs, lengths and frame rates."""
    found = [
        _ranked("Resolutions", stats["resolutions"], "Width and height", "Files"),
        _ranked("Codecs and types of items", stats["codecs"], "Codec", "Items"),
        _ranked("Frame rates", stats.get("frame_rates", {}), "Frames per second", "Videos"),
    ]
    lengths = stats.get("durations_s", [])
    if any(one["count"] for one in lengths):
        found.append(
            _columns("Length of videos", _trimmed(_counted(lengths, span)), "shorter than", "Shorter than", "Videos")
        )
    return [figure for figure in found if figure]


def _ranked(title: str, counts: Mapping[str, int], what: str, of: str) -> Figure | None:
    rows = [(name, [count]) for name, count in counts.items()]
    rows.sort(key=lambda row: (-row[1][0], row[0]))
    total = sum(counts.values())
    if not total:
        return None
    cells = [(clean(name), number(count), percent(count, total)) for name, [count] in rows[:_MOST_ROWS]]
    table = Table((what, of, "Share"), cells, max(0, len(rows) - _MOST_ROWS))
    return _bars(title, rows, table)


def _bars(title: str, rows: Sequence[tuple[str, Sequence[int]]], table: Table, parts: Sequence[str] = ()) -> Figure:
    first, tail = list(rows[:_MOST_BARS]), rows[_MOST_BARS:]
    if len(tail) == 1:
        first, tail = list(rows), []
    if tail:
        sums = [sum(column) for column in zip(*(values for _, values in tail), strict=True)]
        first.append((f"{len(tail):,} others", sums))
    drawn = [(cut(name, _LABEL), values) for name, values in first]
    total = sum(sum(values) for _, values in rows)
    leading = ", ".join(f"{cut(name, 40)} {number(sum(values))}" for name, values in rows[:3])
    alt = f"Bar chart, {title.lower()}: {leading}" + (f", and {len(rows) - 3:,} more" if len(rows) > 3 else "")
    alt += f"; {number(total)} in all."
    return Figure(title, plots.bars(drawn, [number(sum(values)) for _, values in first]), alt, table, parts)


def _columns(title: str, rows: Sequence[tuple[str, int]], below: str, what: str, of: str) -> Figure:
    total = sum(count for _, count in rows)
    most = max(rows, key=lambda row: row[1])
    alt = f"Column chart, {title.lower()}: most, {number(most[1])} of {number(total)}, at {most[0]} ({below})."
    cells = [(label, number(count), percent(count, total)) for label, count in rows]
    told = [_short(count) for _, count in rows]
    svg = plots.columns([(label, [count]) for label, count in rows], told, below)
    return Figure(title, svg, alt, Table((what, of, "Share"), cells))


def _heat(grid: Sequence[Sequence[int]]) -> Figure:
    total, half = sum(map(sum, grid)), len(grid) // 2
    upper = sum(map(sum, grid[:half]))
    left = sum(sum(row[:half]) for row in grid)
    alt = (
        f"Map of a picture, where the centres of {number(total)} boxes lie: {percent(upper, total)} in the upper half, "
        f"{percent(left, total)} in the left half."
    )
    bands = ("left", "middle left", "middle right", "right")
    step = len(grid) // 4
    coarse = [[sum(sum(row[x : x + step]) for row in grid[y : y + step]) for x in range(0, len(grid), step)]
              for y in range(0, len(grid), step)]  # fmt: skip
    names = ("top", "upper middle", "lower middle", "bottom")
    rows = [(name, *map(number, counts)) for name, counts in zip(names, coarse, strict=True)]
    return Figure("Centres of boxes", plots.heat(grid), alt, Table(("In the picture", *bands), rows))


def _counted(bins: Sequence[Mapping[str, Any]], told: Callable[[float], str]) -> list[tuple[str, int]]:
    """Returns the counts of bins under their upper bounds; the last has none."""
    return [("more" if one["below"] is None else told(one["below"]), one["count"]) for one in bins]


def _trimmed(rows: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Leaves out the empty bins at both ends, but for one on either side."""
    full = [index for index, (_, count) in enumerate(rows) if count]
    return rows[max(0, full[0] - 1) : full[-1] + 2]


def _binned(counts: Mapping[int, int]) -> list[tuple[str, int]]:
    """Returns counts by whole numbers, which grow to ranges where they are many."""
    most, edges, start = max(counts), [], 0
    while start <= most:
        width = 1 if start < 6 or most < 13 else max(1, (start + 2) // 2)
        edges.append((start, start + width - 1))
        start += width
    edges = _thinned(edges)
    return [
        (
            str(low) if low == high else f"{low}\N{EN DASH}{high}",
            sum(count for value, count in counts.items() if low <= value <= high),
        )
        for low, high in edges
    ]


def _thinned(edges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Puts the last ranges together, so that there is room for what stands below each."""
    most = 12
    return edges if len(edges) <= most else [*edges[: most - 1], (edges[most - 1][0], edges[-1][1])]


def _short(count: int) -> str:
    """Returns a number that is no wider than its bar."""
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if count >= unit:
            return f"{count / min(unit, 1000 if name == 'k' else unit):.3g}{name}"
    return str(count) if count else ""


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Returns a table of the first rows."""
    every = list(rows)
    return Table(head, every[:_MOST_ROWS], max(0, len(every) - _MOST_ROWS))
