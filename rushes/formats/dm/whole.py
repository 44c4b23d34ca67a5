"""An item's class as a whole: in DM an annotation of the tool `classification`, which says no more than that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from rushes.formats.dm.labels import Unit
from rushes.formats.placing import is_placed
from rushes.labels import Annotation

__all__ = ["labels_with", "whole_of"]


def whole_of(labels: Iterable[Annotation]) -> Annotation | None:
    """Returns the one label of a media as a whole.

    There is none where several say what it is, or where the label has attributes, flags or a time, which a class alone
    would lose.
    """
    found = [label for label in labels if not (is_placed(label) or label.relation or label.spans)]
    return found[0] if len(found) == 1 and replace(found[0], id=None) == Annotation(found[0].label) else None


def labels_with(label: str | None, labels: Sequence[Annotation], before: Iterable[Unit]) -> tuple[Annotation, ...]:
    """Returns an item's labels and its class as a whole, which is the annotation that it was, in its place.

    Args:
        label: The class; None where the item has none.
        labels: The others.
        before: What the document said that the item came from.
    """
    if label is None:
        return tuple(labels)
    said = [one for unit in before for one in unit.labels]
    whole = whole_of(said)
    if whole is None:
        return (*labels, Annotation(label))
    place = said.index(whole)
    return (*labels[:place], replace(whole, label=label), *labels[place:])
