"""Where things stand in a workspace: the store, what was made of it, the ledgers, and each run's plan.

media/ab/ab12….mp4            what came in, by sha256; equal bytes once
derived/<recipe>/ab/ab12….mp4 what was made of it
quarantine/ab/ab12….bin       what came in and is not trusted
incoming/                     transfers under way
ledger/verified/  ledger/media/
runs/<run>/                   plan, entries, rows of one run
lock                          held while a run works here
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.errors import StorageError, WorkspaceBusyError

__all__ = ["Batch", "Workspace", "locked", "stored"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace's folders; all records hold paths relative to `root`."""

    root: Path

    @property
    def incoming(self) -> Path:
        """Transfers under way."""
        return self.root / "incoming"

    def ledger(self, stage: str) -> Path:
        """Folder of one stage's ledger segments."""
        return self.root / "ledger" / stage

    def run(self, run: str) -> Path:
        """Folder of one run's plan and hand-overs."""
        return self.root / "runs" / run

    def path(self, relative: str) -> Path:
        """The absolute path of a record's path."""
        return self.root / relative

    def holds(self, relative: str, size_bytes: int) -> bool:
        """Tells whether a record's file is there and as long as the record says."""
        try:
            return (self.root / relative).stat().st_size == size_bytes
        except FileNotFoundError:
            return False


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of a plan file: what a task is given instead of a list of records.

    Attributes:
        name: Unique in the run, sortable.
        run: The run's id.
        plan: File of JSON lines, relative to the workspace.
        offset: First byte of the range.
        count: Number of lines.
    """

    name: str
    run: str
    plan: str
    offset: int
    count: int


def stored(kind: str, sha256: str, suffix: str) -> str:
    """Returns the content-addressed path of a file, relative to the workspace: `kind/ab/ab12….mp4`."""
    return f"{kind}/{sha256[:2]}/{sha256}{suffix}"


@contextmanager
def locked(workspace: Workspace) -> Iterator[None]:
    """Holds the workspace for one run; the lock ends with the process, however it ends.

    Raises:
        WorkspaceBusyError: Another process holds it.
        StorageError: It cannot be written.
    """
    try:
        workspace.root.mkdir(parents=True, exist_ok=True)
        file = (workspace.root / "lock").open("w")
    except OSError as error:
        raise StorageError(
            f"{workspace.root}: cannot be a workspace: {error.strerror}. Choose another, or mend its permissions."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkspaceBusyError(
                f"{workspace.root}: another run is at work here. Wait for it to end, or use another workspace."
            ) from None
        yield
