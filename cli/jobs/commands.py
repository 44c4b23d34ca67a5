"""`rushes jobs`: what a Ray cluster does, from outside, over its dashboard's API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from cli import table
from cli.jobs.cluster import address_option, connect, following, still_running, unlimited
from cli.jobs.submit import submit
from cli.output import fail, json_line, json_option, note, say

if TYPE_CHECKING:
    from rushes.cluster import Job

__all__ = ["jobs"]

_STOPPED_S = 60.0  # Ray gives a job 3 s before it kills it, unless the job asked for more, as those of rushes do
_LOOK_S = 0.5
_SHORT = 60

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def jobs() -> None:
    """Jobs of a Ray cluster, their logs, and the cluster's nodes, tasks and Serve applications.

    The cluster is the one of --address, RAY_API_SERVER_ADDRESS or RAY_ADDRESS, else the one of this machine. Where it
    asks for a token, set RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH.

    Example: rushes jobs list --address http://127.0.0.1:8265
    """


def _common(function: F) -> F:
    return address_option(json_option(function))


@jobs.command("list")
@_common
def list_(address: str | None, as_json: bool) -> int:
    """List the jobs that the cluster remembers, the latest first.

    Example: rushes jobs list
    """
    found = connect(address).list_jobs()
    table.rows(
        ("job", "status", "began (UTC)", "took", "command"),
        (
            (job.id, job.status, table.moment(job.started_s), table.lasted(job.started_s, job.ended_s), _brief(job))
            for job in found
        ),
    )
    return _end(as_json, jobs=found)


@jobs.command()
@click.argument("job_id", metavar="JOB")
@_common
def show(job_id: str, address: str | None, as_json: bool) -> int:
    """Show one job: its status, command, times, and how it ended.

    Example: rushes jobs show raysubmit_mDhGHVhYra7sq67y
    """
    job = connect(address).get_job(job_id)
    began, took = table.moment(job.started_s), table.lasted(job.started_s, job.ended_s)
    _show(job, {"began": f"{began} UTC" if began else "", "took": took})
    return _end(as_json, job=job)


@jobs.command()
@click.argument("job_id", metavar="JOB")
@click.option("-f", "--follow", is_flag=True, help="Go on with what it writes, until it ends.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0, min_open=True), metavar="S",
              help="With -f: give up when it says nothing for so many seconds.")  # fmt: skip
@click.option("--protocol", type=click.Choice(["stream", "websocket"]), default="stream", show_default=True,
              help="With -f: how the lines come; proxies may let through only one of them.")  # fmt: skip
@click.option("--max-lines", type=click.IntRange(min=1), metavar="N", help="With -f: give up after so many lines.")
@click.option("--max-bytes", type=click.IntRange(min=1), metavar="N", help="With -f: give up after so many bytes.")
@_common
def logs(
    job_id: str,
    follow: bool,
    timeout_s: float | None,
    protocol: Any,
    max_lines: int | None,
    max_bytes: int | None,
    address: str | None,
    as_json: bool,
) -> int:
    """Print what a job has written; with -f go on until it ends, whatever becomes of it.

    Example: rushes jobs logs -f raysubmit_mDhGHVhYra7sq67y
    """
    cluster = connect(address)
    if not follow:
        if text := cluster.list_job_logs(job_id):
            say(text.removesuffix("\n"))
        return _end(as_json, job=cluster.get_job(job_id))
    limits = unlimited(max_lines=max_lines, max_bytes=max_bytes)
    try:
        for line in following(cluster, job_id, timeout_s, protocol, limits):
            say(line)
    except KeyboardInterrupt:
        return fail("interrupted", still_running(job_id, address), 130)
    return _end(as_json, job=cluster.get_job(job_id))


@jobs.command()
@click.argument("job_id", metavar="JOB")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until its processes are gone.")
@_common
def stop(job_id: str, wait: bool, address: str | None, as_json: bool) -> int:
    """Stop a job: its processes are asked to end, and killed if they do not.

    A run that is stopped keeps what is done; the next one goes on from there.

    Example: rushes jobs stop raysubmit_mDhGHVhYra7sq67y
    """
    cluster = connect(address)
    job = cluster.stop_job(job_id)
    deadline_s = time.monotonic() + _STOPPED_S
    while wait and not job.ended and time.monotonic() < deadline_s:
        time.sleep(_LOOK_S)
        job = cluster.get_job(job.id)
    if wait and not job.ended:
        note(f"rushes: {job.id} is {job.status} after {_STOPPED_S:g} s; look again with `rushes jobs show {job.id}`.")
    say(f"{job.id}: {job.status if job.ended else 'asked to stop'}")
    _end(as_json, job=job)
    return 1 if wait and not job.ended else 0


@jobs.command()
@click.argument("node_id", metavar="[NODE]", required=False)
@_common
def nodes(node_id: str | None, address: str | None, as_json: bool) -> int:
    """List the nodes of the cluster with what they offer, or show one.

    Example: rushes jobs nodes
    """
    cluster = connect(address)
    if node_id:
        node = cluster.get_node(node_id)
        _show(node)
        return _end(as_json, node=node)
    found = cluster.list_nodes()
    table.rows(
        ("node", "address", "state", "cores", "cards", "memory"),
        (
            (
                node.id,
                f"{node.address}{' (head)' if node.head else ''}",
                node.state,
                f"{node.cpus:g}",
                f"{node.gpus:g}",
                f"{node.memory_bytes / 2**30:.1f} GiB",
            )
            for node in found
        ),
    )
    return _end(as_json, nodes=found)


@jobs.command()
@click.argument("task_id", metavar="[TASK]", required=False)
@click.option("--job", "job_id", metavar="JOB", help="Only those of this job.")
@click.option("--state", metavar="STATE", help="Only those in this state, like RUNNING or FAILED.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="No more than so many.")
@_common
def tasks(
    task_id: str | None, job_id: str | None, state: str | None, limit: int, address: str | None, as_json: bool
) -> int:
    """List tasks of the cluster, or show one.

    Example: rushes jobs tasks --state RUNNING
    """
    cluster = connect(address)
    if task_id:
        task = cluster.get_task(task_id)
        _show(task)
        return _end(as_json, task=task)
    found = cluster.list_tasks(job_id, state, limit)
    table.rows(
        ("task", "state", "name", "took", "error"),
        (
            (task.id, task.state, task.name, table.lasted(task.started_s, task.ended_s), task.error or "")
            for task in found
        ),
    )
    return _end(as_json, tasks=found)


@jobs.command()
@click.argument("application", metavar="[APPLICATION]", required=False)
@_common
def serve(application: str | None, address: str | None, as_json: bool) -> int:
    """List the applications of Ray Serve, or show one.

    Example: rushes jobs serve
    """
    cluster = connect(address)
    if application:
        one = cluster.get_serve_application(application)
        _show(one)
        return _end(as_json, application=one)
    found = cluster.list_serve_applications()
    table.rows(
        ("application", "status", "route", "deployments"),
        (
            (app.name, app.status, app.route or "", ", ".join(f"{k} {v}" for k, v in app.deployments.items()))
            for app in found
        ),
    )
    return _end(as_json, applications=found)


jobs.add_command(submit)


def _show(found: msgspec.Struct, instead: dict[str, str] | None = None) -> None:
    """Prints one thing field by field, with moments as people read them."""
    named = {
        name.removesuffix("_s"): table.moment(value) if name.endswith("_s") else value
        for name, value in msgspec.structs.asdict(found).items()
    }
    if instead is not None:
        named = {name: value for name, value in named.items() if name not in ("started", "ended")} | instead
    table.fields(named)


def _brief(job: Job) -> str:
    command = " ".join(job.entrypoint.split())
    return command if len(command) <= _SHORT else f"{command[: _SHORT - 1]}…"


def _end(as_json: bool, **found: Any) -> int:
    if as_json:
        json_line({"status": "ok"} | {name: msgspec.to_builtins(value) for name, value in found.items()})
    return 0
