"""What became of labels: those of one row before and now, compared as they stand there, and counted by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

__all__ = ["LabelCounts", "LabelTally", "Labels"]

Labels = list[msgspec.Raw] | None
"""The labels of a row, not looked into."""


class LabelCounts(msgspec.Struct, frozen=True):
    """What became of the labels of a class.

    Attributes:
        added: Labels that are new.
        vanished: Labels that are gone.
        changed: Labels that are other ones: their box moved, for example. One that has another class now vanished from
            the one and was added to the other.
    """

    added: int = 0
    vanished: int = 0
    changed: int = 0


class LabelTally:
    """Adds up what became of labels, row by row."""

    def __init__(self) -> None:
        self._added: Counter[str] = Counter()
        self._vanished: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()

    def add(self, before: Labels, now: Labels) -> None:
        """Compares the labels of a row; None where it has none, or is not there."""
        old, new = Counter(map(bytes, before or ())), Counter(map(bytes, now or ()))
        gone, come = _classes((old - new).elements()), _classes((new - old).elements())
        changed = gone & come
        self._changed += changed
        self._added += come - changed
        self._vanished += gone - changed

    def result(self) -> dict[str, LabelCounts]:
        """Returns the counts of the classes of which any label is another one, by name."""
        return {
            name: LabelCounts(self._added[name], self._vanished[name], self._changed[name])
            for name in sorted({*self._added, *self._vanished, *self._changed})
        }


class _Label(msgspec.Struct):
    label: str


_decoder = msgspec.json.Decoder(_Label)


def _classes(labels: Iterable[bytes]) -> Counter[str]:
    return Counter(_decoder.decode(label).label for label in labels)
