"""Who holds a workspace: written into its lock, for whoever finds it held."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

import msgspec

from rushes.errors import WorkspaceBusyError

__all__ = ["busy", "signature"]


class _Holder(msgspec.Struct, frozen=True):
    """The run at work.

    Attributes:
        run: Its name, for people; empty where nobody gave it one.
        host: The machine of its driver.
        process: The driver's number there.
        since: When it took the lock, as a time of day in UTC.
    """

    run: str
    host: str
    process: int
    since: str


def signature(run: str) -> bytes:
    """Returns what this process writes into a lock that it holds.

    Args:
        run: What to call the run.
    """
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return msgspec.json.encode(_Holder(run, socket.gethostname(), os.getpid(), now))


def busy(place: str, lock: bytes | None) -> WorkspaceBusyError:
    """Returns the error that names who holds a workspace.

    Args:
        place: The workspace.
        lock: What stands in its lock; a holder that has only just come may not have signed yet.
    """
    try:
        holder = msgspec.json.decode(lock or b"", type=_Holder)
    except msgspec.DecodeError:
        who = "another run is at work here"
    else:
        named = f": {holder.run}" if holder.run else ""
        who = (
            f"another run is at work here{named}, process {holder.process} on host {holder.host}, since {holder.since}"
        )
    return WorkspaceBusyError(f"{place}: {who}. Wait for it to end, or end it, or use another workspace.")
