"""The last word: what all batches wrote becomes one dataset with its manifest, checksums and counts.

Everything is streamed from the files that the export batches left in `runs/<run>/export/`, in the order of the source.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.damage import report_damage, reported_damage
from rushes.errors import AccountingError, ExporterError
from rushes.export.batch import finish
from rushes.export.classes import check_required, classes_of
from rushes.export.ending import dropped_at_end, messages
from rushes.export.exporters import is_custom
from rushes.export.kept import keep_all
from rushes.jsonl import json_bytes
from rushes.plan import Plan, load_plan
from rushes.records import ManifestRow, WrittenFile
from rushes.results import results, work_done
from rushes.storage import is_storage
from rushes.summary.again import ended_before, sweep
from rushes.summary.checksums import write_checksums
from rushes.summary.documents import write_documents
from rushes.summary.facts import Facts
from rushes.summary.manifest import parts, write_rows
from rushes.summary.mend import mend_batches
from rushes.summary.origin import write_origin
from rushes.summary.outcome import FAILURES, RunOutcome, failed_share, save_outcome
from rushes.summary.output import building, publish_dataset, written
from rushes.summary.packages.bag import write_bag
from rushes.summary.packages.mhl import write_mhl
from rushes.summary.publish import SUMMARY
from rushes.summary.report.mosaic import MOSAIC, write_mosaic
from rushes.summary.report.sheets import Media
from rushes.summary.report.write import write_report
from rushes.summary.run_summary import compared, summary_of
from rushes.summary.stats import Stats
from rushes.workspace import Batch, Workspace

__all__ = ["aggregate"]


def aggregate(pipeline: Pipeline, workspace: Workspace, run: str, batches: Sequence[Batch]) -> RunOutcome:
    """Writes the dataset's own files and puts the dataset in its place.

    It may be done again, whenever it was killed before: a dataset that is in its place already is left there.

    A run with more failures than its limit, or of which nothing came, does not replace a good dataset: what it made is
    put beside, as `<output>.failed`.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        run: The run's id.
        batches: The export batches, in order.

    Raises:
        AccountingError: Planned items and ended items do not add up; the old dataset stays.
    """
    outcome = ended_before(pipeline, workspace, run) or _publish(pipeline, workspace, run, batches)
    if pipeline.export.bag and outcome.good:
        write_bag(pipeline)
    if pipeline.export.mhl and outcome.good:
        write_mhl(pipeline)
    return save_outcome(workspace, outcome)


def _publish(pipeline: Pipeline, workspace: Workspace, run: str, batches: Sequence[Batch]) -> RunOutcome:
    workspace.need_all(f"runs/{run}")
    mend_batches(pipeline, workspace, run, batches)
    with building(pipeline.output_place) as folder:
        sweep(folder)
        outcome = _write(pipeline, workspace, run, [batch.name for batch in batches], folder)
    return replace(outcome, dataset=publish_dataset(pipeline.output_place, outcome.good))


def _write(pipeline: Pipeline, workspace: Workspace, run: str, names: Sequence[str], building: Path) -> RunOutcome:
    """Writes what makes the batches' files a dataset; `export_summary.json` comes last."""
    plan, folder = load_plan(workspace, run), workspace.run(run) / "export"
    stats = write_rows(parts(folder, names, "rows", ManifestRow), building)
    _account(plan, stats)
    content = stats.result()
    check_required(pipeline.export.required_classes, content["classes"])
    (building / "stats.json").write_bytes(json_bytes(content))
    finished = finish(pipeline, workspace, run, names, building, plan.classes, content)
    if late := dropped_at_end(workspace, run):
        content["dropped"] = dict(sorted((late + Counter(content["dropped"])).items()))
        (building / "stats.json").write_bytes(json_bytes(content))
    write_origin(pipeline, workspace, plan, names, building)
    added = _taken(building / SUMMARY)
    facts = Facts(pipeline, workspace, run, tuple(classes_of(pipeline, plan.classes).names), content, building)
    write_documents(facts)
    write_checksums(building, chain(parts(folder, names, "files", WrittenFile), finished), workspace.run(run))
    _keep_unchanged(pipeline, building, finished)
    over_limit = failed_share(content["items"]) > pipeline.run.max_failed
    work = work_done(results(workspace, run, partial(report_damage, workspace, run)))
    outcome = RunOutcome(
        *(run, content["items"], content["failures_by_code"], work, over_limit),
        empty=not (stats.media and (content["files"] or is_custom(pipeline))),
        files=content["files"],
        messages=(*reported_damage(workspace, run), *messages(workspace, run, names)),
    )
    outcome = compared(facts, outcome)
    summary = summary_of(facts, outcome)
    pictures = write_report(building, content, summary, _media(facts))
    write_mosaic(pictures, workspace.run(run) / MOSAIC)
    (building / SUMMARY).write_bytes(json_bytes(added | summary))
    shutil.copyfile(building / FAILURES, workspace.run(run) / FAILURES)
    return outcome


def _media(facts: Facts) -> Media:
    place = facts.pipeline.output_place
    return Media(partial(written, place), is_storage(place), facts.workspace)


def _account(plan: Plan, stats: Stats) -> None:
    planned = plan.planned + stats.announced
    if stats.planned != planned:
        raise AccountingError(
            f"run {plan.run}: {planned} items were planned and {stats.planned} ended {dict(stats.items)}; "
            "expected the same number. The dataset was left as it was. Run again, and report it: a defect of rushes."
        )


def _keep_unchanged(pipeline: Pipeline, building: Path, finished: Iterable[WrittenFile]) -> None:
    """Takes over from the old dataset what came out the same; of files of items, their batches did so already."""
    place = pipeline.output_place
    if is_storage(place) or not Path(place).is_dir():
        return
    if is_custom(pipeline):
        keep_all(Path(place), building, _all_files(building))
        return
    names = {file.path for file in finished} | {path.name for path in building.iterdir() if path.is_file()}
    keep_all(Path(place), building, sorted(names))


def _all_files(building: Path) -> Iterator[str]:
    for folder, _, names in os.walk(building):
        for name in names:
            yield (Path(folder) / name).relative_to(building).as_posix()


def _taken(path: Path) -> dict[str, Any]:
    """Returns what an exporter wrote into the summary, which it does not know that rushes writes, too."""
    if not path.is_file():
        return {}
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ExporterError(
            f"{path.name}: written by the exporter, and no JSON object: {error}. Expected one, whose keys stand beside "
            "those of rushes; or choose another name."
        ) from error
    path.unlink()
    return found
