"""Ingest: from rows of a source file to media in the store."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture
from prefect_ray.context import remote_options

from flows.hosts import ClusterShares, cluster_shares
from flows.lineage import lineage
from flows.naming import run_name, this_run
from flows.progress import moving
from flows.resources import ONE_CORE, check_nodes, transcode_options
from flows.runner import ray_runner, settle, unless_failed
from rushes.config import Pipeline
from rushes.long import LongPlan
from rushes.plan import Plan, new_run
from rushes.results import BatchResult
from rushes.summary.outcome import RunOutcome
from rushes.workspace import Batch, locked
from tasks.aggregate import tally
from tasks.checksum import checksum
from tasks.download import download
from tasks.plan import plan_ingest, plan_long, plan_members
from tasks.transcode import encode_chunks, transcode

__all__ = ["ingest", "ingest_planned", "ingest_steps"]


@flow(name="ingest", flow_run_name=run_name, task_runner=ray_runner())
def ingest(config: Pipeline) -> RunOutcome:
    """Downloads, verifies and transcodes what is new, changed, or failed before."""
    check_nodes(transcode_options(config))
    with locked(config.workspace_place, this_run()), lineage(config) as told:
        plan = ingest_steps(config)
        ended: RunOutcome = settle([[tally.submit(config, plan.run)]])[0]
        return told(unless_failed(ended, config))


def ingest_steps(config: Pipeline) -> Plan:
    """Plans and runs the ingest inside a flow whose workspace is locked."""
    plan: Plan = settle([[plan_ingest.submit(config, new_run())]])[0]
    return ingest_planned(config, plan)


def ingest_planned(config: Pipeline, plan: Plan) -> Plan:
    """Runs a planned ingest, of which no batch waits for another, and returns its plan."""
    shares, options = cluster_shares(), transcode_options(config)
    with moving(config, plan.run, "ingest", {"download": plan.batches, "transcode": plan.batches}) as tick:
        transcoded = settle([_chain(config, batch, shares, options) for batch in plan.batches], tick)
    if plan.archives or any(result.archives for result in transcoded):
        transcoded += _members(config, plan.run, options)
    if plan.chunks or any(result.left for result in transcoded):
        _long(config, plan.run, options)
    return plan


def _chain(
    config: Pipeline, batch: Batch, shares: ClusterShares | None, options: dict[str, Any]
) -> list[PrefectFuture[Any]]:
    with remote_options(**ONE_CORE):
        downloaded = download.submit(config, batch, shares)
        verified = checksum.submit(config, batch, downloaded)
    with remote_options(**options):
        return [downloaded, verified, transcode.submit(config, batch, verified, options["num_cpus"])]


def _members(config: Pipeline, run: str, options: dict[str, Any]) -> list[BatchResult]:
    """Transcodes what came out of the archives, spread over all workers however few archives there are."""
    batches = settle([[plan_members.submit(config, run)]])[0]
    with moving(config, run, "members", {"transcode": batches}) as tick, remote_options(**options):
        return settle([[transcode.submit(config, batch, None, options["num_cpus"])] for batch in batches], tick)


def _long(config: Pipeline, run: str, options: dict[str, Any]) -> None:
    """Transcodes the long videos, each spread over all workers, and joins them."""
    plan: LongPlan = settle([[plan_long.submit(config, run)]])[0]
    todo = {"chunks": plan.chunks, "transcode": plan.videos}
    with moving(config, run, "long", todo) as tick, remote_options(**options | ONE_CORE):
        settle([[encode_chunks.submit(config, batch)] for batch in plan.chunks], tick)
        settle([[transcode.submit(config, batch, None, leave_long=False)] for batch in plan.videos], tick)
