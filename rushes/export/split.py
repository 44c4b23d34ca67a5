"""Which split an item belongs to: decided by a hash, so that it never depends on the other items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["SPLITS", "Stratum", "split_of", "stratified"]

Name = TypeVar("Name", bound=str)

SPLITS = ("train", "val", "test")


def split_of(key: str, ratios: Mapping[Name, float]) -> Name:
    """Returns the split of a group.

    The key's SHA-256 is a point between 0 and 1, and the ratios cut that line in their order. Items that come and go
    therefore never move others; new ratios move only the groups whose point lies between the old and the new cut.

    Args:
        key: The group's name; for an item without one, the SHA-256 of its bytes, so that equal files stay together.
        ratios: Share of each split; they add up to 1.
    """
    point = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    shares = [(name, share) for name, share in ratios.items() if share > 0]
    cut = 0.0
    for name, share in shares:
        cut += share
        if point < cut:
            return name
    return shares[-1][0]


@dataclass(frozen=True, slots=True)
class Stratum:
    """The groups of one class.

    Attributes:
        sizes: Items of each group, by digest of its key.
        known: Groups whose split is certain, with its place in `SPLITS`.
    """

    sizes: dict[int, int]
    known: dict[int, int]

    def add(self, key: int, size: int, known: int | None) -> None:
        """Adds a group."""
        self.sizes[key] = size
        if known is not None:
            self.known[key] = known


def stratified(stratum: Stratum, ratios: Mapping[Name, float]) -> dict[int, int]:
    """Deals the groups of one class, so that each split gets its share of their items as nearly as can be.

    A hash alone gives shares on the average only, and a class of five items may well miss a split. So the others count
    here: groups whose split is certain keep it; the rest are dealt in the order of their hashes, each to the split that
    is furthest below its share.

    Returns:
        The place in `SPLITS` of each group's split.
    """
    found = dict(stratum.known)
    shares = [(SPLITS.index(name), share) for name, share in ratios.items() if share > 0]
    counts = dict.fromkeys(range(len(SPLITS)), 0)
    for key, split in found.items():
        counts[split] += stratum.sizes[key]
    total = sum(counts.values())
    for key in sorted(stratum.sizes.keys() - found.keys()):
        total += stratum.sizes[key]
        found[key] = max(shares, key=lambda entry: entry[1] * total - counts[entry[0]])[0]
        counts[found[key]] += stratum.sizes[key]
    return found
