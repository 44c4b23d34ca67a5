"""Which split an item belongs to: decided by a hash, so that it never depends on the other items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeVar

__all__ = ["split_of"]

Name = TypeVar("Name", bound=str)


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
