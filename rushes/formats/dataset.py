"""What a format's reader gives: the classes of a dataset, and its items one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from rushes.labels import Annotation, Category

__all__ = ["CARRIED", "Dataset", "Labelled", "Packed"]

CARRIED = "_dm"
"""Attribute of an item under which what only a DM document says is carried along, for another DM document."""


class Packed(msgspec.Struct, frozen=True, gc=False):
    """Where the bytes of a file are that stands in a file of others: in a shard.

    Attributes:
        file: The shard, from the folder of the dataset.
        name: Of the file, in the shard.
        offset: Of its first byte.
        size_bytes: Its length.
        state: What changes when the shard does.
    """

    file: str
    name: str
    offset: int
    size_bytes: int
    state: str


class Labelled(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An image, video, sound or text of a dataset, with its labels.

    Attributes:
        id: What the format calls it; unique in the dataset.
        path: Its file, from the folder of the dataset, with slashes; never leads out of it. Nobody looked whether it is
            there.
        width: Pixels upright, where the format says it.
        height: Likewise.
        annotations: Its labels, in the format's order.
        labelled: False where nobody said what is in it; without labels and labelled it is a true negative.
        label: Its class as a whole.
        split: Where the format says it: train, val or test.
        group: Items of one group never straddle splits.
        attributes: Everything else that the format says of it.
        dropped: What its labels said and the model cannot say, counted by reason code.
        packed: Where its file is, where that is none by itself.
    """

    id: str
    path: str
    width: int | None = None
    height: int | None = None
    annotations: tuple[Annotation, ...] = ()
    labelled: bool = True
    label: str | None = None
    split: str | None = None
    group: str | None = None
    attributes: dict[str, Any] = msgspec.field(default_factory=dict)
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    packed: Packed | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as a format's `read` gives it.

    Attributes:
        folder: From which paths count.
        categories: Its classes, in its order.
        items: Its items, in its order; read on the way, and once. Errors of what is wrong in a file come up here.
        attributes: What the format says of the dataset as a whole.
    """

    folder: Path
    categories: tuple[Category, ...]
    items: Iterator[Labelled]
    attributes: dict[str, Any] = field(default_factory=dict)
