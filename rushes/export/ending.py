"""The end of an export: what all batches gathered comes together, and the files that need it are written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes.config import Pipeline
from rushes.errors import ExporterError
from rushes.export.base import begun
from rushes.export.classes import classes_of
from rushes.export.exporters import exporter_of, is_custom, params_of, previous_of
from rushes.export.gather import Change, gathered
from rushes.export.handmade import handmade, now_ns
from rushes.export.handover import handed_over
from rushes.export.item import running
from rushes.export.run import ExportRun
from rushes.export.strict import Loss, check_strict
from rushes.jsonl import read_lines, write_lines
from rushes.plan import load_categories
from rushes.records import WrittenFile
from rushes.storage import is_storage
from rushes.workspace import Workspace

__all__ = ["dropped_at_end", "finish", "messages"]

_END = "end"
_MESSAGES = 20  # that people read at the end of a run


def finish(
    pipeline: Pipeline,
    workspace: Workspace,
    run: str,
    batches: Sequence[str],
    building: Path,
    classes: Sequence[str],
    statistics: Mapping[str, Any] | None = None,
) -> list[WrittenFile]:
    """Writes the files of a dataset that need all of its samples, and returns them.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        run: The run's id.
        batches: Names of all its export batches, in order.
        building: The folder in which the dataset grows.
        classes: Class names of the whole source, in its order.
        statistics: What stands in `stats.json`.

    Raises:
        StrictError: `export.strict` is on, and labels were left out or changed.
        ExporterError: An exporter's own code broke, gathered what cannot be put together, or wrote one file for two
            items.
    """
    if pipeline.export.strict:
        check_strict(_lost(workspace, run, batches))
    parts = [handed_over(workspace, run, name, "parts") for name in batches]
    params = params_of(pipeline, classes_of(pipeline, classes), load_categories(workspace, run))
    ending = ExportRun(
        params, workspace, building, parts=parts, statistics=statistics or {}, previous=previous_of(pipeline)
    )
    exporter = begun(exporter_of(pipeline, workspace, run), ending)
    numbered = gathered(exporter, _changes(workspace, run, batches))
    if numbered:
        ending.log_message(
            f"{', '.join(numbered)}: numbers keys as they come, so it changes with the source; the numbers of "
            "export.classes, in params['classes'], do not",
            "warning",
        )
    custom = is_custom(pipeline)
    listed = _listed(workspace, run, batches) if custom and not is_storage(pipeline.output_place) else {}
    since_ns = now_ns(building) if custom else 0
    with running(exporter, "the end"):
        exporter.additional_file_saving(building)
    by_hand = handmade(building, listed, since_ns, lambda text: ending.log_message(text, "warning")) if custom else ()
    files = [*ending.written, *by_hand]
    if pipeline.export.strict:
        check_strict(Loss("the end", "", reason, count, ()) for reason, count in sorted((+ending.dropped).items()))
    write_lines(handed_over(workspace, run, _END, "messages"), ending.messages)
    write_lines(handed_over(workspace, run, _END, "dropped"), [+ending.dropped])
    return files


def dropped_at_end(workspace: Workspace, run: str) -> Counter[str]:
    """Returns what was left out or changed when all samples were there, by reason code; no item's row says it."""
    (found,) = read_lines(handed_over(workspace, run, _END, "dropped"), dict[str, int])
    return Counter(found)


def messages(workspace: Workspace, run: str, batches: Iterable[str]) -> list[str]:
    """Returns the warnings of an export, each once, in the order of the source; the first of them if there are many."""
    found: dict[str, None] = {}
    for name in (*batches, _END):
        found.update(dict.fromkeys(read_lines(handed_over(workspace, run, name, "messages"), str)))
    return [*found][:_MESSAGES]


def _changes(workspace: Workspace, run: str, batches: Iterable[str]) -> Iterator[Change]:
    for name in batches:
        with handed_over(workspace, run, name, "gathered").open(encoding="utf-8") as file:
            yield from map(json.loads, file)


def _lost(workspace: Workspace, run: str, batches: Iterable[str]) -> Iterator[Loss]:
    for name in batches:
        yield from read_lines(handed_over(workspace, run, name, "lost"), Loss)


def _listed(workspace: Workspace, run: str, batches: Iterable[str]) -> dict[str, str]:
    """Returns the digests of the files that items brought into the dataset.

    Raises:
        ExporterError: Two items wrote the same file, with different contents.
    """
    digests: dict[str, str] = {}
    for name in batches:
        files: Iterator[WrittenFile] = read_lines(handed_over(workspace, run, name, "files"), WrittenFile)
        for file in files:
            if digests.setdefault(file.path, file.sha256) != file.sha256:
                raise ExporterError(
                    f"{file.path}: written for two items, with different contents. Make its name of data.name, which "
                    "no two items share."
                )
    return digests
