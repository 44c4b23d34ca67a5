"""How an item ends that an error stopped."""

from __future__ import annotations

from rushes.errors import RushesError
from rushes.records import Rejection, Source

__all__ = ["reject"]


def reject(source: Source, stage: str, error: RushesError) -> Rejection:
    """Returns the rejection of an item: failed, skipped or quarantined, as the class of the error says."""
    return Rejection(source, stage, error.status, error.code, str(error), error.transient, error.attempts)
