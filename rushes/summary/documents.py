"""The documents of a dataset: what describes it to others, and is no file of its format."""

from __future__ import annotations

from collections.abc import Callable

from rushes.summary.facts import Facts
from rushes.summary.packages.card import write_card
from rushes.summary.packages.croissant import write_croissant
from rushes.summary.packages.datapackage import write_datapackage

__all__ = ["write_documents"]

_WRITERS: tuple[Callable[[Facts], object], ...] = (write_card, write_croissant, write_datapackage)


def write_documents(facts: Facts) -> None:
    """Writes all documents into the folder where the dataset grows; its checksums come after them, and list them."""
    for write in _WRITERS:
        write(facts)
