"""The ground of every failure: its code, and how what it stops ends."""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = [
    "RushesError",
]


class RushesError(Exception):
    """A failure that rushes understands; its text is one complete message for the user.

    Attributes:
        attempts: Requests or runs it took, where something was tried more than once.
    """

    code: ClassVar[str] = "error"
    remedy: ClassVar[str] = ""
    transient: ClassVar[bool] = False
    status: ClassVar[Literal["failed", "skipped", "quarantined"]] = "failed"
    exit_code: ClassVar[int] = 1
    attempts: int = 1
