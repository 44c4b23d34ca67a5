"""How an export begins: with an empty dataset beside the output, items dealt to splits, and batches of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rushes.config import Pipeline
from rushes.export.classes import ClassMap, classes_of
from rushes.export.deal import dealt, digest_of, key_of
from rushes.export.given import ORIGINAL, as_before
from rushes.export.split import SPLITS
from rushes.join import plan_export
from rushes.jsonl import read_lines
from rushes.plan import load_plan
from rushes.records import ManifestRow, Source
from rushes.summary.drift import check_classes
from rushes.summary.output import begin, published
from rushes.summary.packages.bag import check_bag
from rushes.summary.packages.mhl import check_mhl
from rushes.summary.publish import MANIFEST
from rushes.workspace import Batch, Workspace

__all__ = ["begin_export"]


def begin_export(pipeline: Pipeline, workspace: Workspace, run: str) -> tuple[Batch, ...]:
    """Checks what a run would put in the place of the old dataset, begins a new one, and cuts its items into batches.

    Raises:
        ClassesError: Classes drift, or a required one is missing.
        ConfigError: The keys of `export` contradict each other.
        OutputOccupiedError: The output holds something that rushes did not write.
    """
    check_classes(pipeline, workspace, run)
    check_bag(pipeline)
    check_mhl(pipeline)
    begin(pipeline.output_place)
    original = workspace.run(run) / ORIGINAL
    workspace.need(workspace.relative(original))
    if original.is_file():
        return plan_export(pipeline, workspace, run, lambda outcomes: as_before(outcomes, original))
    spool = workspace.run(run) / ".ended.jsonl"
    if pipeline.export.stratify is None:
        return plan_export(pipeline, workspace, run, lambda outcomes: dealt(outcomes, pipeline, spool))
    class_of = _class_of(classes_of(pipeline, load_plan(workspace, run).classes))
    before = _before(pipeline)
    return plan_export(pipeline, workspace, run, lambda outcomes: dealt(outcomes, pipeline, spool, class_of, before))


def _class_of(mapping: ClassMap) -> Callable[[Source], str]:
    """Returns what gives an item's class: that of the whole, else the one of most of its labels; empty for none."""

    def class_of(source: Source) -> str:
        names = [source.label] if source.label else [label.label for label in source.annotations or ()]
        counts = Counter(mapping.renamed[name] for name in names if name in mapping.renamed)
        return min(counts, key=lambda name: (-counts[name], mapping.names.index(name)), default="")

    return class_of


def _before(pipeline: Pipeline) -> dict[int, str]:
    """Returns where the items of the dataset at the output stand, by digest of what they are dealt by."""
    found: dict[int, str] = {}
    with published(pipeline.output_place, MANIFEST) as folder:
        path = folder / MANIFEST
        for row in read_lines(path, ManifestRow) if path.is_file() else ():
            if row.status == "ok" and row.frame is None and row.split in SPLITS and row.source_sha256:
                source = Source(row.id, "", group=row.group, attributes=row.attributes)
                key = key_of(source, row.source_sha256, pipeline.export.split_by)
                found.setdefault(digest_of(key), row.split)
    return found
