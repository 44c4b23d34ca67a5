"""Commands that look, and change nothing but a page about it: they import no orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from cli.output import json_line, json_option, note, say
from rushes.errors import OutputOccupiedError

if TYPE_CHECKING:
    from rushes.summary.label_diff import LabelCounts

__all__ = ["diff", "plan", "report"]

_SHOWN = 20
_KINDS = {
    "added": "added",
    "vanished": "vanished",
    "status": "status changed",
    "content": "content changed",
    "labels": "labels changed",
    "split": "split changed",
    "attributes": "attributes, group or URL changed",
}


@click.command()
@click.argument("file", metavar="PIPELINE.yaml", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Override a key of the file.")
@click.option("--offline", is_flag=True, help="Ask no host how large a few of the unknown items are.")
@json_option
def plan(file: Path, overrides: tuple[str, ...], offline: bool, as_json: bool) -> int:
    """Say what a run would do: items by state, bytes, hours, disk, time; fetch nothing, write nothing.

    Example: rushes plan pipeline.yaml --set transcode.profile=archive
    """
    from rushes.pipeline_file import load  # what reads sources is slow to import
    from rushes.preview.forecast import forecast
    from rushes.preview.text import lines
    from rushes.workspace import opened

    pipeline = load(file, overrides)
    with opened(pipeline.workspace_place) as workspace:
        found = forecast(pipeline, workspace, offline)
    for line in lines(found):
        say(line)
    stopped = _stopped(pipeline.output_place)
    if stopped:
        note(f"rushes: `rushes run` would stop here: {stopped}")
    if as_json:
        json_line({"status": "ok", "stopped": stopped} | msgspec.to_builtins(found))
    return 0


def _stopped(output: str) -> str | None:
    """Returns why no dataset could be written, if so; an ingest needs none."""
    from rushes.summary.output import check_output

    try:
        check_output(output)
    except OutputOccupiedError as error:
        return str(error)
    return None


@click.command()
@click.argument("old")
@click.argument("new")
@json_option
def diff(old: str, new: str, as_json: bool) -> int:
    """Say how two datasets differ: items added, vanished, changed, and their labels.

    Example: rushes diff datasets/monday datasets/tuesday
    """
    from rushes.summary.diff import diff_datasets
    from rushes.summary.output import published
    from rushes.summary.publish import MANIFEST

    with published(old, MANIFEST) as left, published(new, MANIFEST) as right:
        found = diff_datasets(left, right, _SHOWN)
    for kind, words in _KINDS.items():
        if count := found.counts[kind]:
            named = ", ".join(found.first[kind]) + (", …" if count > len(found.first[kind]) else "")
            say(f"{words}: {count}: {named}")
    for name, labels in found.labels.items():
        before, after = found.classes.get(name, (None, None))
        total = "as many as before" if before is None else f"{before} before, {after} now"
        say(f"labels of class {name}: {_counts(labels)}; {total}")
    say(f"{found.differ} rows differ; {found.rows[0]} before, {found.rows[1]} now")
    if as_json:
        json_line({"status": "ok" if found.same else "failed"} | msgspec.to_builtins(found))
    return 0 if found.same else 1


@click.command()
@click.argument("dataset", type=click.Path(path_type=Path))
@json_option
def report(dataset: Path, as_json: bool) -> int:
    """Write the report.html of a dataset again, from what stands in its folder.

    Example: rushes report datasets/street-scenes
    """
    from rushes.summary.report.write import rewrite_report  # the template engine is slow to import

    path = rewrite_report(dataset)
    say(str(path))
    if as_json:
        json_line({"status": "ok", "report": str(path)})
    return 0


def _counts(labels: LabelCounts) -> str:
    return f"{labels.added} added, {labels.vanished} vanished, {labels.changed} changed"
