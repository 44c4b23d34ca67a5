"""Finding processes again by what was put into their environment, and ending them: children of children, too."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["carrying", "end"]


def carrying(name: str, value: str) -> Iterator[int]:
    """Yields the processes that were started with this variable in their environment."""
    mark = f"{name}={value}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone, or another user's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def end(name: str, value: str, patience_s: float) -> None:
    """Kills what carries the variable, again and again, until nothing does or patience is at its end.

    What it has killed is gone when it returns, with its sockets: a process loses its environment a while before these.
    """
    deadline = time.monotonic() + patience_s
    killed: set[int] = set()
    while time.monotonic() < deadline:
        left = list(carrying(name, value))
        if not left and not any(map(_there, killed)):
            return
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            killed.add(process)
        time.sleep(0.05)


def _there(process: int) -> bool:
    """Tells whether any thread of a process is left; the first may have ended before those that hold its sockets."""
    for thread in Path(f"/proc/{process}/task").glob("*/stat"):
        with suppress(OSError):  # gone meanwhile
            if thread.read_text().rpartition(")")[2].split()[0] not in ("Z", "X"):
                return True
    return False
