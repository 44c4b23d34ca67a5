"""`rushes jobs submit`: a run whose driver is on the cluster, too."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.jobs.cluster import address_option, connect, following, still_running, unlimited
from cli.output import fail, json_line, json_option, note, say
from rushes import __version__
from rushes.errors import JobFailedError

if TYPE_CHECKING:
    from cli.jobs.shipment import Shipment
    from rushes.cluster import Job, RayClient

__all__ = ["submit"]

_SETTLE_S = 10.0
_STOP_S = 30
"""What a run has to unwind when its job is stopped, in seconds; Ray gives 3 unless it is told."""


@click.command()
@click.argument("file", metavar="PIPELINE.yaml", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Override a key of the file.")
@click.option("--command", type=click.Choice(["run", "ingest", "export"]), default="run", show_default=True)
@click.option(
    "--env", "variables", multiple=True, metavar="NAME[=VALUE]", help="Set a variable for the job; no credentials."
)
@click.option("--python", default="python", show_default=True, help="The Python of rushes on the cluster's nodes.")
@click.option("--job-id", metavar="ID", help="The id to give the job; by default the pipeline's name and the time.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow its log, and end as it ends.")
@address_option
@json_option
def submit(wait: bool, as_json: bool, address: str | None, **options: Any) -> int:
    """Run a pipeline as a job of the cluster, with its driver there, too.

    This version of rushes goes along, with the pipeline file, and no data. With a workspace in a storage a local source
    file goes along, too; with one in a folder, this folder and the source must be there on every node.

    Example: rushes jobs submit pipeline.yaml --address http://head:8265 --env PREFECT_API_URL=http://prefect:4200/api
    """
    from cli.jobs.shipment import packed, prepare  # slow to import

    shipment = prepare(options["file"], options["overrides"], options["command"], options["python"], as_json)
    shipment = shipment.with_variables(options["variables"])
    cluster = connect(address)
    cluster.check_version()
    for line in shipment.remarks:
        note(line)
    with packed(shipment) as folder:
        job_id = _submit(cluster, shipment, folder, options["job_id"] or _new_id(shipment.name))
    say(job_id)
    if not wait:
        return _end(cluster.get_job(job_id), None, as_json)
    try:
        last = _follow(cluster, job_id)
        job = _settled(cluster, job_id)
    except KeyboardInterrupt:
        return fail("interrupted", still_running(job_id, address), 130)
    return _end(job, last, as_json)


def _submit(cluster: RayClient, shipment: Shipment, folder: Path, job_id: str) -> str:
    variables = {"DO_NOT_TRACK": "1", "RAY_USAGE_STATS_ENABLED": "0", "RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_S)}
    return cluster.submit_job(
        shipment.entrypoint,
        job_id=job_id,
        runtime_env={"working_dir": str(folder), "env_vars": variables | shipment.variables},
        metadata={"pipeline": shipment.name, "rushes": __version__},
    )


def _new_id(name: str) -> str:
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(2).hex()}"


def _follow(cluster: RayClient, job_id: str) -> str:
    """Shows what the job writes, and returns its last line."""
    last = ""
    for line in following(cluster, job_id, None, "stream", unlimited()):
        note(line)
        last = line or last
    return last


def _settled(cluster: RayClient, job_id: str) -> Job:
    deadline_s = time.monotonic() + _SETTLE_S
    while not (job := cluster.get_job(job_id)).ended and time.monotonic() < deadline_s:
        time.sleep(0.2)
    return job


def _end(job: Job, last: str | None, as_json: bool) -> int:
    failure = _failure(job)
    if failure is not None:
        note(f"rushes: {failure}")
    if as_json:
        value = {"status": "failed" if failure else "ok", "job": msgspec.to_builtins(job), "result": _result(last)}
        json_line(value | ({"error": {"code": failure.code, "message": str(failure)}} if failure else {}))
    return (job.exit_code or failure.exit_code) if failure else 0


def _failure(job: Job) -> JobFailedError | None:
    if job.status not in ("FAILED", "STOPPED"):
        return None
    reason = f"its command ended with exit code {job.exit_code}" if job.exit_code else job.message.partition("\n")[0]
    return JobFailedError(f"job {job.id} {job.status}: {reason.rstrip('.')}. Its log: `rushes jobs logs {job.id}`.")


def _result(last: str | None) -> Any:
    """Returns what the run says of itself in the last line of its log; nothing where it did not come so far."""
    try:
        return msgspec.json.decode(last) if last else None
    except msgspec.DecodeError:
        return None
