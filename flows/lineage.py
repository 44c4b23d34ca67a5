"""Which run of which job a flow run is, to those who follow where data comes from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from uuid import UUID

import prefect
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.runtime import deployment, flow_run

from rushes.config import Pipeline
from rushes.lineage import JobRun, traced
from rushes.summary.outcome import RunOutcome

__all__ = ["lineage"]


def lineage(config: Pipeline) -> AbstractContextManager[Callable[[RunOutcome], RunOutcome]]:
    """Tells how this flow run goes, where an OpenLineage endpoint is configured; see `rushes.lineage.traced`."""
    return traced(config, partial(_job_run, config), get_run_logger().warning)


def _job_run(config: Pipeline) -> JobRun:
    flow = str(flow_run.flow_name)
    job = f"{flow}/{deployment.name}" if deployment.name else f"{flow}.{config.name}"
    return JobRun(UUID(str(flow_run.id)), job, "prefect", prefect.__version__, _parent())


def _parent() -> tuple[UUID, str] | None:
    """Returns the flow run that called this one, with the name of its flow."""
    if flow_run.parent_flow_run_id is None:
        return None
    with get_client(sync_client=True) as client:
        found = client.read_flow_run(UUID(str(flow_run.parent_flow_run_id)))
        return found.id, client.read_flow(found.flow_id).name
