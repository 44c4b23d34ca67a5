"""Whole runs without an orchestrator: the steps of the flows, one after the other, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from rushes.config import Pipeline
from rushes.export.batch import export_batch
from rushes.export.custom import take_along
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.join import outcomes
from rushes.jsonl import read_lines, write_lines
from rushes.long import chunk_batch, plan_long
from rushes.members import plan_members
from rushes.plan import Plan, make_plan, new_run
from rushes.rebuild.begin import pipeline_of, plan_rebuild
from rushes.rebuild.result import Rebuilt, result_of
from rushes.records import ManifestRow, Outcome, Rejection
from rushes.results import BatchResult
from rushes.summary.aggregate import aggregate
from rushes.summary.begin import begin_export
from rushes.summary.outcome import RunOutcome
from rushes.summary.output import building
from rushes.workspace import Batch, Workspace, locked, opened
from tests.rushes.export.makers import pipeline


def settings(workspace: Workspace, rows: Sequence[Mapping[str, object]], **more: object) -> Pipeline:
    """Returns a pipeline over these rows, that may fetch from this machine, quickly, and fail as often as it likes."""
    source = workspace.root.parent / "items.jsonl"
    write_lines(source, rows)
    download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1}
    return pipeline(workspace, **({"source": str(source), "download": download, "run": {"max_failed": 1}} | more))


def leaving(config: Pipeline, workspace: Workspace, batch: Batch) -> BatchResult:
    """Does the transcode step, and leaves long videos, as the flow does."""
    return transcode_batch(config, workspace, batch, leave_long=True)


def ingest(config: Pipeline, workspace: Workspace) -> Plan:
    return ingest_planned(config, workspace, make_plan(config, workspace, new_run()))


def ingest_planned(config: Pipeline, workspace: Workspace, plan: Plan) -> Plan:
    for batch in plan.batches:
        for step in (download_batch, checksum_batch, leaving):
            step(config, workspace, batch)
    for batch in plan_members(config, workspace, plan.run):
        leaving(config, workspace, batch)
    long = plan_long(config, workspace, plan.run)
    for batch in long.chunks:
        chunk_batch(config, workspace, batch)
    for batch in long.videos:
        transcode_batch(config, workspace, batch)
    return plan


def export(config: Pipeline, workspace: Workspace, plan: Plan) -> RunOutcome:
    take_along(config, workspace, plan.run)
    batches = begin_export(config, workspace, plan.run)
    for batch in batches:
        with building(config.output_place) as folder:
            export_batch(config, workspace, batch, folder, plan.classes)
    return aggregate(config, workspace, plan.run, batches)


def run(config: Pipeline, workspace: Workspace) -> RunOutcome:
    return export(config, workspace, ingest(config, workspace))


def rebuild(dataset: Path, folder: Path, *overrides: str) -> Rebuilt:
    """Rebuilds a dataset as `folder/again`, in a workspace of its own."""
    workspace = Workspace(folder / "again.rebuild")
    here = "download.allow_private_hosts=[127.0.0.1]"
    config = pipeline_of(str(dataset), str(folder / "again"), str(workspace.root), [here, *overrides])
    plan = plan_rebuild(config, workspace, new_run(), str(dataset))
    outcome = export(config, workspace, ingest_planned(config, workspace, plan))
    assert outcome.dataset
    return result_of(str(dataset), outcome.dataset, workspace, plan.run)


def run_apart(config: Pipeline) -> RunOutcome:
    """Runs each step as a task does: with a workspace of its own, that shares nothing but the storage."""
    place, name = config.workspace_place, new_run()
    with locked(place):
        with opened(place) as workspace:
            plan = make_plan(config, workspace, name)
        for batch in plan.batches:
            for step in (download_batch, checksum_batch, leaving):
                with opened(place) as workspace:
                    step(config, workspace, batch)
        with opened(place) as workspace:
            found = plan_members(config, workspace, name)
        for batch in found:
            with opened(place) as workspace:
                leaving(config, workspace, batch)
        with opened(place) as workspace:
            long = plan_long(config, workspace, name)
        for step, batches in ((chunk_batch, long.chunks), (transcode_batch, long.videos)):
            for batch in batches:
                with opened(place) as workspace:
                    step(config, workspace, batch)
        with opened(place) as workspace:
            take_along(config, workspace, name)
            batches = begin_export(config, workspace, name)
        for batch in batches:
            with opened(place) as workspace, building(config.output_place) as folder:
                export_batch(config, workspace, batch, folder, plan.classes)
        with opened(place) as workspace:
            return aggregate(config, workspace, name, batches)


def ended(config: Pipeline, workspace: Workspace, plan: Plan) -> dict[str, Outcome]:
    """Returns how each item ended, by id."""
    found = outcomes(config, workspace, plan.run)
    return {(one.source if isinstance(one, Rejection) else one.verified.source).id: one for one in found}


def codes(config: Pipeline, workspace: Workspace, plan: Plan) -> dict[str, str]:
    """Returns the error code of each item, by id; `ok` where it has none."""
    found = ended(config, workspace, plan).items()
    return {key: one.code if isinstance(one, Rejection) else "ok" for key, one in found}


def manifest(dataset: Path) -> dict[str, ManifestRow]:
    """Returns the rows of a dataset's manifest, by id."""
    return {row.id: row for row in read_lines(dataset / "manifest.jsonl", ManifestRow)}


def png(path: Path, colour: str = "red", size: tuple[int, int] = (32, 24)) -> bytes:
    """Writes a picture and returns its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path, "PNG")
    return path.read_bytes()
