"""Export: from media in the store to a dataset."""

from __future__ import annotations

from prefect import flow
from prefect_ray.context import remote_options

from flows.events import emit_outcome
from flows.lineage import lineage
from flows.naming import run_name, this_run
from flows.progress import moving
from flows.resources import ONE_CORE, check_nodes
from flows.runner import ray_runner, settle, unless_failed
from rushes.config import Pipeline
from rushes.export.custom import check_exporter, take_along
from rushes.export.exporters import is_custom
from rushes.plan import Plan, new_run
from rushes.summary.outcome import RunOutcome
from rushes.workspace import locked, opened
from tasks.aggregate import aggregate
from tasks.export import export as export_batch
from tasks.plan import plan_export, plan_ingest

__all__ = ["export", "export_steps"]


@flow(name="export", flow_run_name=run_name, task_runner=ray_runner())
def export(config: Pipeline) -> RunOutcome:
    """Makes the dataset from what earlier ingests brought in; fetches nothing."""
    check_exporter(config)
    check_nodes(ONE_CORE)
    with locked(config.workspace_place, this_run()), lineage(config) as told:
        plan: Plan = settle([[plan_ingest.submit(config, new_run())]])[0]
        return told(export_steps(config, plan))


def export_steps(config: Pipeline, plan: Plan) -> RunOutcome:
    """Runs the export inside a flow whose workspace is locked.

    Raises:
        ConfigError: `export.format` names an exporter that cannot be used.
        RunFailedError: A batch broke, more items failed than `run.max_failed` allows, or none came in.
    """
    if is_custom(config):  # here, because its code lies where this process runs, and nowhere else
        with opened(config.workspace_place) as workspace:
            take_along(config, workspace, plan.run)
    batches = settle([[plan_export.submit(config, plan.run)]])[0]
    with moving(config, plan.run, "export", {"export": batches}) as tick, remote_options(**ONE_CORE):
        settle([[export_batch.submit(config, batch)] for batch in batches], tick)
    ended: RunOutcome = settle([[aggregate.submit(config, plan.run, batches)]])[0]
    emit_outcome(config, ended)
    return unless_failed(ended, config)
