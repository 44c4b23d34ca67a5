"""Where things stand in a workspace: the store, what was made of it, the ledgers, and each run's plan.

media/ab/ab12….mp4            what came in, by sha256; equal bytes once
derived/<recipe>/ab/ab12….mp4 what was made of it; beside it, in ab12….json, how and why
chunks/<recipe>/ab/ab12…/<key>/  parts of long videos that are being made, until they are joined
unpacked/<rules>/ab/ab12….jsonl  what came out of an archive: a list of members, which stand in media/
quarantine/ab/ab12….bin       what came in and is not trusted
incoming/                     transfers under way
ledger/verified/  ledger/unpacked/  ledger/media/
runs/<run>/                   plan, entries, rows of one run
lock                          held while a run works here

A workspace is a folder that all workers share, or lies in a storage. A step then works in a folder of its own that
mirrors it: it asks with `need` for the files that it reads, and what it made goes up when it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from rushes.errors import StorageError
from rushes.holder import busy, signature
from rushes.storage import Storage, is_storage, open_storage

if TYPE_CHECKING:
    from rushes.storage.mirror import Mirror

__all__ = ["Batch", "Workspace", "locked", "mirrored", "opened", "stored"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace's folders; all records hold paths relative to `root`.

    Attributes:
        root: The folder; of a workspace in a storage, the one that mirrors it.
        mirror: What brings files here, and says what there is; None where all are here.
    """

    root: Path
    mirror: Mirror | None = None

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

    def need(self, *relatives: str) -> None:
        """Has these files here, those of them that there are."""
        if self.mirror:
            self.mirror.need(relatives)

    def need_all(self, *folders: str) -> None:
        """Has all files below these folders here."""
        if self.mirror:
            for folder in folders:
                self.mirror.need_all(folder)

    def names(self, folder: str) -> Iterator[str]:
        """Yields the files below a folder, here or in the storage, relative to the workspace, in no order."""
        if self.mirror:
            yield from (entry.name for entry in self.mirror.storage.list(folder))
        else:
            yield from (self.relative(path) for path in self.path(folder).rglob("*") if path.is_file())

    def remove(self, relative: str) -> None:
        """Removes a file, here or from the storage."""
        if self.mirror:
            self.mirror.storage.delete(relative)
        else:
            self.path(relative).unlink(missing_ok=True)

    def relative(self, path: Path) -> str:
        """Returns what a record calls a path."""
        return path.relative_to(self.root).as_posix()

    def holds(self, relative: str, size_bytes: int) -> bool:
        """Tells whether a record's file is there and as long as the record says."""
        if self.mirror:
            return self.mirror.size(relative) == size_bytes
        try:
            return os.stat(f"{self.root}/{relative}").st_size == size_bytes  # noqa: PTH116 - asked for each item
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
def opened(place: str) -> Iterator[Workspace]:
    """Gives a workspace to work in; what a block that ends well changed in a storage's mirror goes up at its end.

    Args:
        place: Path of a folder, or URL of one in a storage.

    Raises:
        StorageError: The storage does not answer, or refuses.
    """
    if not is_storage(place):
        yield Workspace(Path(place))
        return
    with mirrored(open_storage(place), _order) as mirror:
        yield Workspace(mirror.root, mirror)


@contextmanager
def mirrored(storage: Storage, order: Callable[[str], int]) -> Iterator[Mirror]:
    """Gives a mirror of a storage's folder, which goes when the block ends, and with it the storage's connections."""
    import tempfile  # this and the next are slow to import, and most workspaces are folders

    from rushes.storage.mirror import Mirror

    # The process's number lets the command sweep up after one that was killed.
    with tempfile.TemporaryDirectory(prefix=f"rushes-{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        try:
            mirror = Mirror(storage, Path(folder), order)
            yield mirror
            mirror.push()
        finally:
            storage.close()


def _order(relative: str) -> int:
    """Files that are spoken of, then files that speak of them: ledgers are believed, and a plan begins a run."""
    return 1 + relative.endswith("/plan.json") if relative.startswith("runs/") else 3 * relative.startswith("ledger/")


@contextmanager
def locked(place: str, run: str = "") -> Iterator[None]:
    """Holds a workspace for one run; the lock ends with the process, however it ends.

    Args:
        place: Path of a folder, or URL of one in a storage, where the lock of a killed run lasts half a minute.
        run: What to call the run, for whoever finds the workspace held.

    Raises:
        WorkspaceBusyError: Another process holds it; the message says which.
        StorageError: It cannot be written.
    """
    if is_storage(place):
        from rushes.storage.lease import leased

        storage = open_storage(place)
        try:
            with leased(storage, run):
                yield
        finally:
            storage.close()
        return
    with _flocked(Path(place), run):
        yield


@contextmanager
def _flocked(root: Path, run: str) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / "lock").open("a+b", buffering=0)  # what its holder wrote stays
    except OSError as error:
        raise StorageError(
            f"{root}: cannot be a workspace: {error.strerror}. Choose another, or mend its permissions."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise busy(str(root), file.read()) from None
        _sign(file, signature(run))
        try:
            yield
        finally:
            _sign(file, b"")


def _sign(file: IO[bytes], text: bytes) -> None:
    with suppress(OSError):  # a full disk: the lock holds all the same
        file.truncate(0)
        file.write(text)
