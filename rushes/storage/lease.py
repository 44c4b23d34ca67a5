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

from rushes.errors import StorageError, WorkspaceBusyError
from rushes.storage.base import Storage

__all__ = ["RENEWED_S", "STALE_S", "leased"]

RENEWED_S = 5.0
"""After how many seconds a holder writes its lock anew."""

STALE_S = 30.0
"""For how many seconds a lock must stay as it is until its holder counts as dead."""

_LOCK = "lock"
_log = logging.getLogger(__name__)


@contextmanager
def leased(storage: Storage, renewed_s: float = RENEWED_S, stale_s: float = STALE_S) -> Iterator[None]:
    """Holds a folder of a storage for one run; a lock that a killed run left is taken over after a while.

    Raises:
        WorkspaceBusyError: Another run holds it.
        StorageError: It cannot be written.
    """
    holder = secrets.token_hex(8)
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


def _take(storage: Storage, holder: str, stale_s: float) -> None:
    look_s, died = min(1.0, stale_s / 10), False
    while not storage.create(_LOCK, _text(holder)):
        died = _watch(storage, look_s, stale_s)
    if died:
        time.sleep(2 * look_s)  # somebody else who saw it die may be about to remove what was just created
        if not _held(storage, holder):
            raise _busy(storage)


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
            raise _busy(storage)
    storage.delete(_LOCK)
    return True


def _busy(storage: Storage) -> WorkspaceBusyError:
    return WorkspaceBusyError(
        f"{storage.url}: another run is at work here. Wait for it to end, or use another workspace."
    )


def _renew(storage: Storage, holder: str, ended: threading.Event, renewed_s: float) -> None:
    while not ended.wait(renewed_s):
        with suppress(StorageError):  # the next renewal comes before the lock counts as dead
            if not _held(storage, holder):
                _log.error(
                    "%s/%s: another run took it over while this one stood still. End one of the two.",
                    storage.url,
                    _LOCK,
                )
                return
            storage.write(_LOCK, _text(holder))


def _held(storage: Storage, holder: str) -> bool:
    return (storage.read(_LOCK) or b"").startswith(holder.encode())


def _text(holder: str) -> bytes:
    return f"{holder} {secrets.token_hex(4)}".encode()
