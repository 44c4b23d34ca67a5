"""Planning, as tasks: they read whole files, so they run on a worker, not in the driver."""

from __future__ import annotations

from prefect import task

from rushes import long, members, plan
from rushes.config import Pipeline
from rushes.rebuild import begin as rebuild
from rushes.summary.begin import begin_export
from rushes.workspace import Batch, opened
from tasks.options import STEP

__all__ = ["plan_export", "plan_ingest", "plan_long", "plan_members", "plan_rebuild"]


@task(name="plan ingest", task_run_name="plan ingest", tags={"rushes", "plan"}, **STEP)
def plan_ingest(config: Pipeline, run: str) -> plan.Plan:
    """Reads the source, asks the ledgers, and cuts what is to do into batches."""
    with opened(config.workspace_place) as workspace:
        return plan.make_plan(config, workspace, run)


@task(name="plan rebuild", task_run_name="plan rebuild", tags={"rushes", "plan"}, **STEP)
def plan_rebuild(config: Pipeline, dataset: str, run: str) -> plan.Plan:
    """Reads what a dataset was made of, asks the ledgers, and cuts what is to do into batches."""
    with opened(config.workspace_place) as workspace:
        return rebuild.plan_rebuild(config, workspace, run, dataset)


@task(name="plan members", task_run_name="plan members", tags={"rushes", "plan"}, **STEP)
def plan_members(config: Pipeline, run: str) -> tuple[Batch, ...]:
    """Cuts what came out of archives, and is not made yet, into batches."""
    with opened(config.workspace_place) as workspace:
        return members.plan_members(config, workspace, run)


@task(name="plan long", task_run_name="plan long", tags={"rushes", "plan"}, **STEP)
def plan_long(config: Pipeline, run: str) -> long.LongPlan:
    """Cuts the chunks of long videos into batches, and the videos, too."""
    with opened(config.workspace_place) as workspace:
        return long.plan_long(config, workspace, run)


@task(name="plan export", task_run_name="plan export", tags={"rushes", "plan"}, **STEP)
def plan_export(config: Pipeline, run: str) -> tuple[Batch, ...]:
    """Begins an empty dataset beside the output and cuts the planned items into batches."""
    with opened(config.workspace_place) as workspace:
        return begin_export(config, workspace, run)
