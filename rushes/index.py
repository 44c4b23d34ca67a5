"""Where texts stand, for so many of them that a dict would not do: sixteen bytes each."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator

__all__ = ["Index"]


class Index:
    """Finds places by the hashes of texts; whoever asks looks there whether it is the text, for two may have one hash.

    Args:
        placed: Places, which are whole numbers, each with its text; later ones last.
    """

    def __init__(self, placed: Iterable[tuple[int, str]]) -> None:
        hashes, places = array("q"), array("Q")
        for place, text in placed:
            hashes.append(hash(text))
            places.append(place)
        self._hashes, self._places = _sorted(hashes, places)

    def __len__(self) -> int:
        return sum(1 for at, one in enumerate(self._hashes) if not at or one != self._hashes[at - 1])

    def places(self, text: str) -> Iterator[int]:
        """Yields where a text may stand, the latest first."""
        wanted = hash(text)
        at = bisect_right(self._hashes, wanted) - 1
        while at >= 0 and self._hashes[at] == wanted:
            yield self._places[at]
            at -= 1


def _sorted(hashes: array[int], places: array[int]) -> tuple[array[int], array[int]]:
    import numpy as np

    numbers, found = np.frombuffer(hashes, np.int64), np.frombuffer(places, np.uint64)
    order = np.argsort(numbers, kind="stable")
    return array("q", numbers[order].tobytes()), array("Q", found[order].tobytes())
