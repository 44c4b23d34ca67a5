"""What an error code means, and what to do about it: read off the error classes, where both are written once."""

from __future__ import annotations

import inspect

from rushes import errors
from rushes.errors import RushesError

__all__ = ["explained"]


def explained(code: str) -> tuple[str, str]:
    """Returns what an error code means and what to do about it; empty texts for a code that no class has."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, RushesError)]
    of_code = [kind for kind in kinds if vars(kind).get("code") == code]
    if not of_code:
        return "", ""
    kind = max(of_code, key=lambda kind: len(kind.__mro__))  # of several, the one that says most exactly what it was
    meaning, _, _ = (inspect.getdoc(kind) or "").partition("\n\n")
    return " ".join(meaning.split()), kind.remedy
