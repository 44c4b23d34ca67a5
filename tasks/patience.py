"""Patience with a Prefect server that is away for a while, because it is restarted or its machine is.

Prefect's own client waits for a server that it has spoken with before. What has not, such as a worker process of Ray's
that has only just begun, fails at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import httpx
import stamina

__all__ = ["away", "patiently"]

T = TypeVar("T")

_PATIENCE_S = 600.0


def away(error: BaseException | None) -> bool:
    """Tells whether an error comes of a server that cannot be reached, however deep."""
    while error is not None:
        if isinstance(error, httpx.TransportError):
            return True
        error = error.__cause__ or error.__context__
    return False


def patiently(act: Callable[[], T], patience_s: float = _PATIENCE_S) -> T:
    """Does something that needs the server, again and again while that cannot be reached.

    Args:
        act: What to do; it must bear to be done twice.
        patience_s: For how long it is tried; then the error of the last time is raised.
    """
    for attempt in stamina.retry_context(on=away, attempts=None, timeout=patience_s, wait_initial=1.0, wait_max=10.0):
        with attempt:
            return act()
    raise AssertionError  # for the type checker: the last attempt raises
