"""A dataset made again, from its manifest and what stands beside it, as one flow run."""

from __future__ import annotations

from prefect import flow

from flows.export import export_steps
from flows.ingest import ingest_planned
from flows.naming import run_name, this_run
from flows.resources import check_nodes, transcode_options
from flows.runner import ray_runner, settle
from rushes.config import Pipeline
from rushes.export.custom import check_exporter
from rushes.plan import Plan, new_run
from rushes.summary.outcome import RunOutcome
from rushes.summary.output import check_output
from rushes.workspace import locked
from tasks.plan import plan_rebuild

__all__ = ["rebuild"]


@flow(name="rebuild", flow_run_name=run_name, task_runner=ray_runner())
def rebuild(config: Pipeline, dataset: str) -> RunOutcome:
    """Fetches what a dataset was made of once more, each item with the checksum that it had, and exports it alike."""
    check_output(config.output_place)
    check_exporter(config)
    check_nodes(transcode_options(config))
    with locked(config.workspace_place, this_run()):
        plan: Plan = settle([[plan_rebuild.submit(config, dataset, new_run())]])[0]
        return export_steps(config, ingest_planned(config, plan))
