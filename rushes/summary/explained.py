"""What an error code means, and what to do about it: read off the error classes, where both are written once."""

from __future__ import annotations

import inspect

from rushes import errors
from rushes.errors import RushesError

__all__ = ["explained"]


def explained(code: str) -> tuple[str, str]:
    """Returns what an error code means and what to do about it; empty texts for a code that no class has."""
    for kind in reversed([*vars(errors).values()]):
        if isinstance(kind, type) and issubclass(kind, RushesError) and vars(kind).get("code") == code:
            meaning, _, _ = (inspect.getdoc(kind) or "").partition("\n\n")
            return " ".join(meaning.split()), kind.remedy
    return "", ""
