"""What a run's log in Prefect says of an error that rushes understands: its message, without a traceback."""

from __future__ import annotations

import logging

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
