"""The whole line: ingest, then export, then aggregate, as one flow run."""

from __future__ import annotations

from prefect import flow

from flows.export import export_steps
from flows.ingest import ingest_steps
from flows.lineage import lineage
from flows.naming import run_name, this_run
from flows.resources import check_nodes, transcode_options
from flows.runner import ray_runner
from rushes.config import Pipeline
from rushes.export.custom import check_exporter
from rushes.summary.outcome import RunOutcome
from rushes.summary.output import check_output
from rushes.workspace import locked

__all__ = ["pipeline"]


@flow(name="pipeline", flow_run_name=run_name, task_runner=ray_runner())
def pipeline(config: Pipeline) -> RunOutcome:
    """Turns a list of media URLs into a verified dataset."""
    check_output(config.output_place)  # before hours of work, not after
    check_exporter(config)
    check_nodes(transcode_options(config))
    with locked(config.workspace_place, this_run()), lineage(config) as told:
        return told(export_steps(config, ingest_steps(config)))
