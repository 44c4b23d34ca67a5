"""Relations between labels, which are nothing without both of their ends."""

from __future__ import annotations

from collections.abc import Iterable

from rushes.labels import Annotation

__all__ = ["complete"]


def complete(labels: Iterable[Annotation]) -> tuple[tuple[Annotation, ...], int]:
    """Returns labels without the relations that lead from or to what is not among them, and how many these were."""
    found = tuple(labels)
    if not any(label.relation for label in found):
        return found, 0
    known = {label.id for label in found}
    kept = tuple(label for label in found if label.relation is None or known.issuperset(label.relation))
    return kept, len(found) - len(kept)
