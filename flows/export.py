"""Export: from media in the store to a dataset."""

from __future__ import annotations

from prefect import flow
from prefect_ray import remote_options

from flows.naming import run_name
from flows.runner import cores, ray_runner, settle
from rushes.config import Pipeline
from rushes.errors import RunFailedError
from rushes.plan import Plan, new_run
from rushes.summary.aggregate import Aggregate
from rushes.summary.text import over_limit
from rushes.workspace import Workspace, locked
from tasks.aggregate import aggregate
from tasks.export import export as export_batch
from tasks.plan import plan_export, plan_ingest

__all__ = ["export", "export_steps"]


@flow(name="export", flow_run_name=run_name, task_runner=ray_runner())
def export(config: Pipeline) -> Aggregate:
    """Makes the dataset from what earlier ingests brought in; fetches nothing."""
    with locked(Workspace(config.workspace_path)):
        plan: Plan = settle([[plan_ingest.submit(config, new_run(), cores())]])[0]
        return export_steps(config, plan)


def export_steps(config: Pipeline, plan: Plan) -> Aggregate:
    """Runs the export inside a flow whose workspace is locked.

    Raises:
        RunFailedError: A batch broke, or more items failed than `run.max_failed` allows.
    """
    batches = settle([[plan_export.submit(config, plan.run, cores())]])[0]
    with remote_options(num_cpus=1):
        settle([[export_batch.submit(config, batch)] for batch in batches])
    ended: Aggregate = settle([[aggregate.submit(config, plan.run, batches)]])[0]
    if ended.over_limit:
        raise RunFailedError(over_limit(ended, config.run.max_failed))
    return ended
