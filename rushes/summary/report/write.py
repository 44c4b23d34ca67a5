"""Writes `report.html`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from rushes.errors import ConfigError
from rushes.jsonl import atomic_write
from rushes.summary.output import published
from rushes.summary.publish import MANIFEST, REPORT, SUMMARY
from rushes.summary.report import sections
from rushes.summary.report.figures import box_figures, class_figure, media_figures
from rushes.summary.report.sheets import Media, Sheets, sheets
from rushes.summary.report.words import clean, cut, hours, listed, number, size, span

__all__ = ["rewrite_report", "write_report"]

_FILES = ("failures.jsonl", MANIFEST, "manifest.parquet", "stats.json", SUMMARY, "checksums.sha256", "croissant.json")


def write_report(folder: Path, stats: Mapping[str, Any], summary: Mapping[str, Any], media: Media) -> Sheets:
    """Writes the page that shows a dataset, and returns the pictures that stand in it.

    Args:
        folder: Where the manifest stands, and the page goes.
        stats: The content of `stats.json`.
        summary: The content of `export_summary.json`.
        media: Where the dataset's files are read from.
    """
    stats = json.loads(json.dumps(stats))  # as a reader of the file has it
    splits = sections.ordered(stats["splits"])
    silent = [name for name in summary.get("classes", ()) if name not in stats["classes"]]
    pictures = sheets(folder / MANIFEST, list(summary.get("classes") or sorted(stats["classes"])), stats, media)
    page = _template().render(
        stats=stats,
        summary=summary,
        sum=sections.sum_of(stats["items"]),
        labels=sum(counts["annotations"] for counts in stats["splits"].values()),
        failures=sections.failures(stats, folder),
        changes=sections.changes(summary.get("since")),
        splits=sections.split_table(stats["splits"]),
        class_figure=class_figure(stats["classes"], splits),
        silent=listed(silent, 20) if silent and stats["classes"] else "",
        silent_count=len(silent),
        sheets=pictures,
        boxes=box_figures(stats),
        media=media_figures(stats),
        actions=sections.counted(stats["actions"], "What was done", "Items"),
        streams=sections.counted(stats["dropped_streams"], "Streams left out", "Streams"),
        dropped=sections.dropped(stats),
        quality=sections.quality(stats),
        provenance=sections.provenance(stats),
        stages=sections.stages(summary.get("work", {})),
        settings=sections.settings(summary),
        files=[name for name in _FILES if name == SUMMARY or (folder / name).is_file()],
    )  # fmt: skip
    with atomic_write(folder / REPORT) as file:
        file.write(page.lstrip().encode())
    return pictures


def rewrite_report(dataset: Path) -> Path:
    """Writes the page again of a dataset that stands there, and returns its path.

    Raises:
        ConfigError: The folder holds no dataset that rushes wrote.
    """
    if not all((dataset / name).is_file() for name in (SUMMARY, MANIFEST, "stats.json")):
        raise ConfigError(f"{dataset}: no dataset: expected a folder with {SUMMARY}, as `run` writes it.")
    stats, summary = (json.loads((dataset / name).read_bytes()) for name in ("stats.json", SUMMARY))
    write_report(dataset, stats, summary, Media(partial(published, str(dataset))))
    return dataset / REPORT


@cache
def _template() -> Template:
    """Returns the page, in which every text is escaped, and none that is missing goes unnoticed."""
    found = Environment(
        loader=PackageLoader("rushes.summary.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = {"number": number, "size": size, "span": span, "hours": hours, "clean": clean, "cut": cut}
    found.filters |= words | {"keys": _keys, "when": _when}
    return found.get_template("report.html.jinja")


def _keys(text: str) -> Markup:
    """Returns a text whose `keys` are marked as such."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped just before


def _when(moment: str) -> str:
    """Returns an instant as people write it."""
    return f"{datetime.fromisoformat(moment):%-d %B %Y, %H:%M} UTC"
