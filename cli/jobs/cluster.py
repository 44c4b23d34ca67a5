"""What the commands that speak with a Ray cluster share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rushes.cluster import RayClient, StreamLimits

__all__ = ["address_option", "connect", "following", "still_running", "unlimited"]

address_option = click.option(
    "--address", metavar="URL", help="The cluster's dashboard, like http://127.0.0.1:8265, or the cluster's HOST:PORT."
)


def connect(address: str | None) -> RayClient:
    """Returns the cluster of an address, or of the environment; nothing is asked yet."""
    from rushes.cluster import RayClient  # requests is slow to import, and Ray slower
    from rushes.cluster.attach import send_token  # as above

    send_token()

    return RayClient(address)


def unlimited(max_lines: int | None = None, max_bytes: int | None = None) -> StreamLimits:
    """Returns limits for a log that a person follows: no end but what was asked for."""
    from rushes.cluster import StreamLimits  # slow to import

    return StreamLimits(max_messages=None, max_lines=max_lines, max_bytes=max_bytes, max_message_size=16 * 2**20)


def following(
    cluster: RayClient, job_id: str, timeout_s: float | None, protocol: Any, limits: StreamLimits
) -> Iterator[str]:
    """Returns the lines of a job until it ends."""
    return cluster.tail_job_logs(job_id, stream_timeout=timeout_s, protocol=protocol, limits=limits)


def still_running(job_id: str, address: str | None) -> str:
    """Returns what to say when somebody stops following a job."""
    at = f" --address {address}" if address else ""
    return (
        f"no longer following {job_id}, which goes on. Follow it again with `rushes jobs logs -f {job_id}{at}`, "
        f"stop it with `rushes jobs stop {job_id}{at}`."
    )
