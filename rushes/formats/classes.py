"""Numbers of classes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

__all__ = ["class_numbers"]


@lru_cache(maxsize=8)
def class_numbers(classes: tuple[str, ...]) -> Mapping[str, int]:
    """Returns the place of each class in their order; it is asked for with each image, and made once."""
    return {name: number for number, name in enumerate(classes)}
