"""A progress artifact for each part of a run, which moves while its batches are at work.

Batches, however many and wherever they run, tell the workspace how far they are. The flow run, which only waits
meanwhile, looks there and updates the artifact: one process, one artifact, and no load that grows with the workers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from typing import cast
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from rushes.config import Pipeline
from rushes.errors import RushesError
from rushes.progress import steps
from rushes.summary.text import artifact_key
from rushes.workspace import Batch, Workspace, opened

__all__ = ["Tick", "moving"]

_EVERY_S = 1.0
_EVERY_IN_STORAGE_S = 10.0
_PATIENCE_S = 2.0
_SHARE = 0.02  # of the time of the process that waits, at most
_UNANSWERED = (httpx.HTTPError, PrefectException, RushesError, OSError)
_VERBS = {"download": "downloaded", "transcode": "made", "chunks": "chunks encoded", "export": "exported"}

Tick = Callable[[], None]
Parts = Mapping[str, Sequence[Batch]]
"""Batches by the stage that is to be done with them."""


@contextmanager
def moving(config: Pipeline, run: str, part: str, todo: Parts) -> Iterator[Tick]:
    """Has a progress artifact while the block runs, and gives what the block calls whenever it waits.

    It ends at 100 %, or says why not. Where the server does not answer, the run goes on without it.

    Args:
        config: The pipeline.
        run: The run's id.
        part: Of the run: ingest, members, long or export.
        todo: What is to be done; where that is nothing, there is no artifact.
    """
    if not any(todo.values()):
        yield lambda: None
        return
    with opened(config.workspace_place) as workspace:
        bar = _Bar(_Watch(workspace, run, todo), artifact_key(config.name, f"{part}-progress"))
        try:
            yield bar.tick
        except Exception as error:  # whatever stopped the part is shown, and raised on
            bar.stop(str(error) if isinstance(error, RushesError) else type(error).__name__)
            raise
        except BaseException:  # cancelled, by the user or by Prefect
            _briefly(bar.interrupt)
            raise
        bar.end()


def _briefly(act: Callable[[], None]) -> None:
    """Does something that may take long where a server does not answer, and does not wait for its end then."""
    thread = threading.Thread(target=copy_context().run, args=(act,), daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)


class _Watch:
    """How far a part of a run is."""

    def __init__(self, workspace: Workspace, run: str, todo: Parts) -> None:
        self.every_s = _EVERY_IN_STORAGE_S if workspace.mirror else _EVERY_S
        self._workspace = workspace
        self._run = run
        self._counts = {(batch.name, stage): batch.count for stage, batches in todo.items() for batch in batches}
        self._totals = {stage: sum(batch.count for batch in batches) for stage, batches in todo.items()}

    def done(self) -> dict[str, int]:
        """Returns how many items are done, by stage."""
        done = dict.fromkeys(self._totals, 0)
        for batch, stage, items in steps(self._workspace, self._run):
            if count := self._counts.get((batch, stage)):
                done[stage] += min(items, count)
        return done

    def all(self) -> dict[str, int]:
        """Returns how many items there are, by stage."""
        return dict(self._totals)

    def percent(self, done: Mapping[str, int]) -> float:
        """Returns the share that is done, all items and stages being alike; whole only when all is."""
        return int(1000 * sum(done.values()) / sum(self._totals.values())) / 10

    def words(self, done: Mapping[str, int]) -> str:
        """Returns what is done, in words."""
        return ", ".join(f"{count:,} of {self._totals[stage]:,} {_VERBS[stage]}" for stage, count in done.items())


class _Bar:
    """The artifact, updated once a second at most, and more seldom where that takes the server long."""

    def __init__(self, watch: _Watch, key: str) -> None:
        self._watch = watch
        self._key = key
        self._artifact: UUID | None = None
        self._shown = dict.fromkeys(watch.all(), 0)
        self._next_s = 0.0
        self._show(self._shown)

    def tick(self) -> None:
        """Shows how far it is, when it is time to."""
        now_s = time.monotonic()
        if self._artifact is None or now_s < self._next_s:
            return
        self._move()
        took_s = time.monotonic() - now_s
        self._next_s = time.monotonic() + max(self._watch.every_s, took_s / _SHARE)

    def end(self) -> None:
        """Shows that all is done."""
        self._show(self._watch.all())

    def stop(self, why: str) -> None:
        """Shows how far it came, and why no further."""
        self._move()
        self._show(self._shown, f". Stopped: {why}")

    def interrupt(self) -> None:
        """Shows that nobody waits for the rest any more."""
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}):
            self._show(self._shown, ". Stopped: the run was interrupted")

    def _move(self) -> None:
        try:
            done = self._watch.done()
        except _UNANSWERED:
            return  # the storage's turn comes again
        if done != self._shown:
            self._show(done)

    def _show(self, done: dict[str, int], more: str = "") -> None:
        percent, words = self._watch.percent(done), self._watch.words(done) + more
        try:
            if self._artifact is None:
                self._artifact = cast(UUID, create_progress_artifact(percent, self._key, words))
            else:
                update_progress_artifact(self._artifact, percent, words)
            self._shown = done
        except _UNANSWERED as error:
            get_run_logger().warning("Progress cannot be shown: %s", error)
