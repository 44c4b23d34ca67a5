"""Plots as SVG that takes its colours and its font from the page around it, so that it is legible in light and in dark.

matplotlib lays out and draws; it never sees a text from outside. Labels stand in for themselves as `@0`, `@1`, and are
put in afterwards, so that no class name is taken for a formula, lacks a glyph, or ends the document.
"""

from __future__ import annotations

import io
import logging
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET  # what it reads, matplotlib has just written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bars", "columns", "heat"]

Series = Sequence[tuple[str, Sequence[float]]]
"""Labels, each with one number for each part of its bar."""

_WIDTH = 5.0  # inches: 360 units of the SVG
_LABELS = 1.75  # inches left of horizontal bars, at most
_CHARACTER = 0.075  # inches: as wide as one is
_ROW = 0.25  # inches
_FEWEST = 6  # columns there is always room for, so that one alone is no wall
_INK, _MUTED, _RULE = "#010101", "#010102", "#010103"
_PARTS = tuple(f"#0102{index:02x}" for index in range(8))
_COLOURS = {_INK: "currentColor", _MUTED: "var(--muted)", _RULE: "var(--rule)"} | {
    colour: f"var(--s{index})" for index, colour in enumerate(_PARTS)
}
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "rushes",
    "text.parse_math": False,
    "font.size": 10,
    "text.color": _INK,
    "axes.edgecolor": _RULE,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _INK,
}
_DRAWN = frozenset(
    {"axes", "figure", "font", "hatch", "lines", "mathtext", "patch", "path", "savefig", "svg", "text"}
    | {"xaxis", "xtick", "yaxis", "ytick"}
)
_SVG = "{http://www.w3.org/2000/svg}"


def bars(rows: Series, told: Sequence[str]) -> str:
    """Draws horizontal bars, the first on top.

    Args:
        rows: Bars.
        told: What stands at the end of each.
    """
    with _settings():
        longest = max(_columns_of(label) for label, _ in rows)
        figure, axes = _canvas(len(rows) * _ROW + 0.1, left=min(_LABELS, 0.15 + _CHARACTER * longest), right=0.75)
        for part, (starts, lengths) in enumerate(_stacked(rows)):
            axes.barh(range(len(rows)), lengths, left=starts, height=0.66, color=_PARTS[part], clip_on=False)
        ends = [sum(values) for _, values in rows]
        axes.set_xlim(0, max([*ends, 1e-9]))
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [f"@{index}" for index in range(len(rows))])
        for index, (end, text) in enumerate(zip(ends, told, strict=True)):
            _tell(axes, text, (end, index), (5, 0), va="center")
        axes.axvline(0, color=_RULE, linewidth=1, clip_on=False)
        return _svg(figure, [label for label, _ in rows])


def columns(rows: Series, told: Sequence[str], below: str) -> str:
    """Draws upright bars, the first at the left.

    Args:
        rows: Bars of one part each.
        told: What stands on top of each.
        below: What the labels are of, with its unit.
    """
    with _settings():
        figure, axes = _canvas(1.6, left=0.15, right=0.15, bottom=0.55, top=0.3)
        heights = [values[0] for _, values in rows]
        axes.bar(range(len(rows)), heights, width=0.82, color=_PARTS[0], clip_on=False)
        axes.set_ylim(0, max([*heights, 1e-9]))
        axes.set_xlim(-0.5, max(len(rows), _FEWEST) - 0.5)
        axes.set_xticks(range(len(rows)), [f"@{index}" for index in range(len(rows))])
        axes.set_xlabel(below, fontsize=9.5, labelpad=6)
        axes.tick_params(axis="x", labelsize=8.5 if len(rows) > 8 else 9.5)
        for index, (height, text) in enumerate(zip(heights, told, strict=True)):
            _tell(axes, text, (index, height), (0, 4), ha="center", fontsize=8.5 if len(rows) > 8 else 9.5)
        axes.axhline(0, color=_RULE, linewidth=1, clip_on=False)
        return _svg(figure, [label for label, _ in rows])


def heat(grid: Sequence[Sequence[int]]) -> str:
    """Draws a grid of counts as a picture: the fuller a cell, the stronger its colour; empty ones have none."""
    from matplotlib.patches import Rectangle

    most = max(max(row) for row in grid)
    with _settings():
        figure, axes = _canvas(_WIDTH * 9 / 16, left=0.02, right=0.02, bottom=0.02, top=0.02)
        axes.set_xlim(0, len(grid[0]))
        axes.set_ylim(len(grid), 0)
        for y, row in enumerate(grid):
            for x, count in enumerate(row):
                if count:
                    strength = 0.12 + 0.88 * count / most
                    axes.add_patch(Rectangle((x, y), 1, 1, color=_PARTS[0], alpha=strength, linewidth=0, clip_on=False))
        frame = Rectangle((0, 0), len(grid[0]), len(grid), fill=False, edgecolor=_MUTED, linewidth=1, clip_on=False)
        axes.add_patch(frame)
        return _svg(figure, [])


def _columns_of(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def _stacked(rows: Series) -> Iterator[tuple[list[float], list[float]]]:
    starts = [0.0] * len(rows)
    for part in range(max((len(values) for _, values in rows), default=0)):
        lengths = [float(values[part]) for _, values in rows]
        yield starts, lengths
        starts = [start + length for start, length in zip(starts, lengths, strict=True)]


@contextmanager
def _settings() -> Iterator[None]:
    """Makes matplotlib draw the same whatever this user has set, and write nothing into their home."""
    with _matplotlib().rc_context(_style_sheet()):
        yield


@cache
def _style_sheet() -> dict[str, Any]:
    """Returns all that can be set of how matplotlib draws what is drawn here: its own defaults, but for ours."""
    defaults = _matplotlib().rcParamsDefault.items()
    return {name: value for name, value in defaults if name.partition(".")[0] in _DRAWN} | _SETTINGS


@cache
def _matplotlib() -> Any:
    """Imports matplotlib, which keeps a list of the machine's fonts in a folder that is named while it is imported."""
    given, log = os.environ.get("MPLCONFIGDIR"), logging.getLogger("matplotlib.font_manager")
    log.addFilter(_is_grave)  # it would say that it reads fonts, where that takes long
    with tempfile.TemporaryDirectory(prefix=f"rushes-{os.getpid()}-") as folder:
        os.environ["MPLCONFIGDIR"] = given or folder
        try:
            import matplotlib as found
            import matplotlib.figure
        finally:
            log.removeFilter(_is_grave)
            if given is None:
                del os.environ["MPLCONFIGDIR"]
    return found


def _is_grave(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def _canvas(height: float, left: float, right: float, bottom: float = 0.05, top: float = 0.05) -> tuple[Figure, Axes]:
    """Returns a figure of this height with margins, all in inches, and bare axes."""
    from matplotlib.figure import Figure

    height += bottom + top
    figure = Figure(figsize=(_WIDTH, height), facecolor="none")
    spot = (left / _WIDTH, bottom / height, 1 - (left + right) / _WIDTH, 1 - (bottom + top) / height)
    axes = figure.add_axes(spot, facecolor="none", frameon=False)
    axes.tick_params(length=0)
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def _tell(axes: Axes, text: str, at: tuple[float, float], beside: tuple[float, float], **how: Any) -> None:
    axes.annotate(text, at, beside, textcoords="offset points", annotation_clip=False, **how)


def _svg(figure: Figure, labels: Sequence[str]) -> str:
    """Returns a figure as an element to stand in a page, which says what it shows beside it."""
    written = io.BytesIO()
    figure.savefig(written, format="svg", metadata={"Date": None})
    root = ET.fromstring(written.getvalue())  # noqa: S314
    for parent in root.iter():
        for child in list(parent):
            if child.tag.endswith("metadata") or child.tag == f"{_SVG}defs":
                parent.remove(child)
    for element in root.iter():
        element.attrib.pop("id", None)
        element.tag = element.tag.removeprefix(_SVG)
        if "style" in element.attrib:
            element.set("style", _style(element.attrib["style"]))
        if element.tag == "text" and (stand_in := re.fullmatch(r"@(\d+)", element.text or "")):
            element.text = labels[int(stand_in[1])]
        elif element.tag != "text":
            element.text = None  # line breaks
        element.tail = None
    view = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update({"viewBox": view, "aria-hidden": "true", "focusable": "false"})
    return ET.tostring(root, encoding="unicode")


def _style(style: str) -> str:
    style = re.sub(r"font: *(?:[\w-]+ )*?([\d.]+)px[^;]*", r"font-size: \1px", style)
    style = re.sub(r"font-family:[^;]*;?|stroke-(?:linejoin|linecap): *\w+;?", "", style)
    return re.sub(r"#0[12][\da-f]{4}", lambda found: _COLOURS.get(found[0], found[0]), style).strip()
