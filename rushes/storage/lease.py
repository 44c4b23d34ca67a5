"""A lock in a storage, which has none: a file that its holder writes anew every few seconds.

No clocks are compared, because machines disagree: who finds a lock watches it, and takes it over when it stays as it is
for longer than its holder would leave it.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from rushes.errors import StorageError, WorkspaceBusyError
from rushes.holder import busy, signature
from rushes.storage.base import Storage

__all__ = ["RENEWED_S", "STALE_S", "leased"]

RENEWED_S = 5.0
"""After how many seconds a holder writes its lock anew."""

STALE_S = 30.0
"""For how many seconds a lock must stay as it is until its holder counts as dead."""

_LOCK = "lock"
_log = logging.getLogger(__name__)


class _Lease(NamedTuple):
    """One run's hold on a folder: a token that is its own, and what it says of itself."""

    token: str
    signature: bytes

    def text(self) -> bytes:
        """Returns what to write, which is another each time: by that others see that the holder lives."""
        return f"{self.token} {secrets.token_hex(4)}\n".encode() + self.signature


@contextmanager
def leased(storage: Storage, run: str, renewed_s: float = RENEWED_S, stale_s: float = STALE_S) -> Iterator[None]:
    """Holds a folder of a storage for one run; a lock that a killed run left is taken over after a while.

    Args:
        storage: The folder.
        run: What to call the run, for whoever finds the folder held.
        renewed_s: After how many seconds the lock is written anew.
        stale_s: For how many seconds a lock must stay as it is until its holder counts as dead.

    Raises:
        WorkspaceBusyError: Another run holds it; the message says which.
        StorageError: It cannot be written.
    """
    holder = _Lease(secrets.token_hex(8), signature(run))
    _take(storage, holder, stale_s)
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(storage, holder, ended, renewed_s), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        with suppress(StorageError):  # who comes next waits until it is stale
            if _held(storage, holder):
                storage.delete(_LOCK)


def _take(storage: Storage, holder: _Lease, stale_s: float) -> None:
    look_s, died = min(1.0, stale_s / 10), False
    while not storage.create(_LOCK, holder.text()):
        died = _watch(storage, look_s, stale_s)
    if died:
        time.sleep(2 * look_s)  # somebody else who saw it die may be about to remove what was just created
        if not _held(storage, holder):
            raise _busy(storage, storage.read(_LOCK))


def _watch(storage: Storage, look_s: float, stale_s: float) -> bool:
    """Waits until a lock is gone, or removes it and returns True where nobody has written it for long enough."""
    _log.warning("%s/%s: another run holds it, or was killed; watching it for %g s.", storage.url, _LOCK, stale_s)
    seen, until_s = storage.read(_LOCK), time.monotonic() + stale_s
    while time.monotonic() < until_s:
        time.sleep(look_s)
        now = storage.read(_LOCK)
        if now is None:
            return False
        if now != seen:
            raise _busy(storage, now)
    storage.delete(_LOCK)
    return True


def _renew(storage: Storage, holder: _Lease, ended: threading.Event, renewed_s: float) -> None:
    while not ended.wait(renewed_s):
        with suppress(StorageError):  # the next renewal comes before the lock counts as dead
            if not _held(storage, holder):
                _log.error(
                    "%s/%s: another run took it over while this one stood still. End one of the two.",
                    storage.url,
                    _LOCK,
                )
                return
            storage.write(_LOCK, holder.text())


def _held(storage: Storage, holder: _Lease) -> bool:
    return (storage.read(_LOCK) or b"").startswith(holder.token.encode())


def _busy(storage: Storage, lock: bytes | None) -> WorkspaceBusyError:
    return busy(storage.url, lock and lock.partition(b"\n")[2])
