"""What becomes of a run's log: an error that rushes understands is its message there, without a traceback.

A run also outlives whoever reads what it writes. The Prefect worker that began it reads its standard error, and may be
killed; rich, by which Prefect writes there, would then end the run at its next line.
"""

from __future__ import annotations

import logging
from functools import partial

import prefect.main  # noqa: F401  # makes the handlers
from prefect.logging.handlers import PrefectConsoleHandler

from rushes.errors import RushesError

__all__ = ["said"]

_FORESEEN = "rushes_error"


def said(record: logging.LogRecord) -> bool:
    """Tells whether a line was written here in place of a traceback."""
    return hasattr(record, _FORESEEN)


def _say(record: logging.LogRecord) -> bool:
    """Puts code and message in the place of a traceback that would only show where rushes raised them."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RushesError):
        record.msg, record.args, record.exc_info = f"{error.code}: {error}", (), None
        setattr(record, _FORESEEN, True)
    return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_say)

for _handler in logging.getLogger().handlers:
    if isinstance(_handler, PrefectConsoleHandler):
        _quiet = partial(setattr, _handler.console, "quiet", True)
        _handler.console.on_broken_pipe = _quiet  # type: ignore[method-assign]  # rich's own place for it
