"""A lock in a storage: one run at a time, and one that was killed does not hold it for long."""

from __future__ import annotations

import os
import threading
import time

import pytest

from rushes.errors import WorkspaceBusyError
from rushes.storage import Storage
from rushes.storage.lease import leased

QUICK = {"renewed_s": 0.1, "stale_s": 1.5}


def test_a_second_run_is_refused_until_the_first_one_ends(storage: Storage) -> None:
    busy = pytest.raises(WorkspaceBusyError, match="another run is at work")
    with leased(storage, "", **QUICK), busy, leased(storage, "", **QUICK):
        pass
    with leased(storage, "", **QUICK):
        pass
    assert storage.read("lock") is None


def test_who_is_refused_is_told_which_run_is_at_work(storage: Storage) -> None:
    said = rf"at work here: streets 2026-11-25 02:00, process {os.getpid()} on host \S+, since 20.* UTC\. Wait"
    busy = pytest.raises(WorkspaceBusyError, match=said)
    with leased(storage, "streets 2026-11-25 02:00", **QUICK), busy, leased(storage, "another", **QUICK):
        pass


def test_the_lock_of_a_killed_run_is_taken_over(storage: Storage) -> None:
    storage.create("lock", b"of somebody who is gone")
    start_s = time.monotonic()
    with leased(storage, "", **QUICK):
        assert time.monotonic() - start_s >= QUICK["stale_s"]


def test_of_two_that_watch_a_dead_lock_one_gets_it(storage: Storage) -> None:
    storage.create("lock", b"of somebody who is gone")
    got: list[str] = []

    def take() -> None:
        try:
            with leased(storage, "", **QUICK):
                got.append("held")
                time.sleep(3 * QUICK["stale_s"])
        except WorkspaceBusyError:
            got.append("refused")

    threads = [threading.Thread(target=take) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == ["held", "refused"]


def test_a_holder_that_was_taken_for_dead_leaves_the_lock_of_the_next_one_alone(storage: Storage) -> None:
    with leased(storage, "", **QUICK):
        storage.write("lock", b"of the next one")
        time.sleep(0.5)
        assert storage.read("lock") == b"of the next one"
    assert storage.read("lock") == b"of the next one"
