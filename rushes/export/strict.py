"""`export.strict`: labels that a dataset would not say, or say otherwise, fail the run, and each is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from rushes.errors import StrictError
from rushes.records import ManifestRow, Media, Source

__all__ = ["Loss", "check_strict", "losses"]

_TOLD = frozenset({"class_dropped", "frame_not_taken", "outside_clip"})
"""Reasons that are no loss: the pipeline asks for just that."""
_SHOWN = 5


class Loss(msgspec.Struct, frozen=True, array_like=True):
    """Labels of one item that the dataset does not say as the source does.

    Attributes:
        item: The item's id.
        where: Where its row stands.
        reason: The reason code.
        count: How many labels.
        labels: Their classes, where it shows which labels they are.
    """

    item: str
    where: str
    reason: str
    count: int
    labels: tuple[str, ...]


def losses(
    rows: Iterable[ManifestRow], media: Media, reasons_of: Callable[[Media], Mapping[str, int]]
) -> Iterator[Loss]:
    """Yields what an item lost on its way into the dataset.

    Args:
        rows: Its rows of the manifest.
        media: The item, its labels as the source has them.
        reasons_of: Says what an item loses; it is asked for each label alone, to find those that a reason is about.
    """
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update(row.dropped)
    left = {reason: count for reason, count in sorted(counts.items()) if reason not in _TOLD}
    blamed: dict[str, dict[str, None]] = {reason: {} for reason in left}
    for name, alone in _one_by_one(media) if left else ():
        for reason in reasons_of(alone):
            if reason in blamed:
                blamed[reason][name] = None
    source = media.verified.source
    for reason, count in left.items():
        yield Loss(source.id, source.origin, reason, count, (*blamed[reason],))


def check_strict(found: Iterable[Loss]) -> None:
    """Refuses a dataset that lost anything.

    Raises:
        StrictError: It did; it names the first items, labels and reasons, and counts all.
    """
    reasons: Counter[str] = Counter()
    first: list[Loss] = []
    for loss in found:
        reasons[loss.reason] += loss.count
        first += [loss] if len(first) < _SHOWN else []
    if reasons:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        raise StrictError(
            f"export.strict: {reasons.total()} labels would not be in the dataset as they are in the source: {counts}. "
            f"First: {_shown(first)}. The old dataset stays. Mend the labels, leave their classes out by "
            "export.drop_classes, or choose a format that can say them."
        )


def _shown(found: Sequence[Loss]) -> str:
    return "; ".join(
        f"{loss.where or loss.item} ({loss.item}): {', '.join(loss.labels) or 'a label'}: {loss.reason}"
        for loss in found
    )


def _one_by_one(media: Media) -> Iterator[tuple[str, Media]]:
    """Yields the item with each of its labels alone, under the name of its class."""
    # What a reader could not take in is of no label in particular.
    source = replace(media.verified.source, dropped={})
    for label in source.annotations or ():
        yield label.label, _with(media, replace(source, annotations=(label,), label=None))
    if source.label is not None:
        yield source.label, _with(media, replace(source, annotations=None))


def _with(media: Media, source: Source) -> Media:
    return replace(media, verified=replace(media.verified, source=source))
