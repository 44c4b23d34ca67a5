"""What a task tells while it works: how far it is, and each item that it stops at."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import get_run_logger

from rushes.progress import Report, throttled
from rushes.stage import STOPPED
from rushes.workspace import Batch

__all__ = ["telling"]

_MOST = 200
"""Lines about items in the log of one task: each is kept in Prefect's database."""


@contextmanager
def telling(batch: Batch, stage: str) -> Iterator[Report]:
    """Gives a step over a batch what it reports to, and has its task's log name the items that it stops at."""
    log = get_run_logger()
    logger, handler = logging.getLogger(STOPPED), _Stopped(log, batch)
    logger.addHandler(handler)
    try:
        yield throttled(log.info, f"{stage} {batch.name}")
    finally:
        logger.removeHandler(handler)
    if handler.count > _MOST:
        log.warning("%s items stopped in all; those that are not named here stand in failures.jsonl", handler.count)


class _Stopped(logging.Handler):
    """Hands on what is said of the items of one batch: on threads, several are at work in this process."""

    def __init__(self, log: Any, batch: Batch) -> None:
        super().__init__()
        self.count = 0
        self._log, self._of = log, (batch.run, batch.name)

    def emit(self, record: logging.LogRecord) -> None:
        """Hands one record on, with its parts as `item`, `stage`, `status`, `code` and `url`."""
        said = record.__dict__
        if (said["run"], said["batch"]) != self._of:
            return
        self.count += 1
        if self.count <= _MOST:
            parts = {name: said[name] for name in ("item", "stage", "status", "code", "url")}
            self._log.warning(record.getMessage(), extra=parts)
