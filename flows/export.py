"""Export: from media in the store to a dataset."""

from __future__ import annotations

from prefect import flow
from prefect_ray.context import remote_options

from flows.naming import run_name
from flows.runner import ray_runner, settle, within_limit
from rushes.config import Pipeline
from rushes.plan import Plan, new_run
from rushes.summary.outcome import RunOutcome
from rushes.workspace import locked
from tasks.aggregate import aggregate
from tasks.export import export as export_batch
from tasks.plan import plan_export, plan_ingest

__all__ = ["export", "export_steps"]


@flow(name="export", flow_run_name=run_name, task_runner=ray_runner())
def export(config: Pipeline) -> RunOutcome:
    """Makes the dataset from what earlier ingests brought in; fetches nothing."""
    with locked(config.workspace_place):
        plan: Plan = settle([[plan_ingest.submit(config, new_run())]])[0]
        return export_steps(config, plan)


def export_steps(config: Pipeline, plan: Plan) -> RunOutcome:
    """Runs the export inside a flow whose workspace is locked.

    Raises:
        RunFailedError: A batch broke, or more items failed than `run.max_failed` allows.
    """
    batches = settle([[plan_export.submit(config, plan.run)]])[0]
    with remote_options(num_cpus=1):
        settle([[export_batch.submit(config, batch)] for batch in batches])
    ended: RunOutcome = settle([[aggregate.submit(config, plan.run, batches)]])[0]
    return within_limit(ended, config)
