"""Dealing items to splits, before batches are cut: what must stay together does, and what is dealt stays where it is.

Each item has a key: the value of its `split_by` column, or its group, or its bytes. The key's hash decides, so nothing
depends on other items (`rushes.export.split`). Where a split was given, it counts.

Items of one group, or of equal bytes, may still have come into different splits: by a given split, by a column, or
because two groups share a file. They are the same to a model, so one split keeps them: one that was given, else test
before val before train, because what is measured on should not change. The others are left out, and say so. No item
ever goes from one split to another for it.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import SplitConflictError
from rushes.export.item import rejected
from rushes.export.split import SPLITS, Stratum, split_of, stratified
from rushes.jsonl import encode, read_lines
from rushes.records import Media, Outcome, Source

__all__ = ["dealt", "digest_of", "key_of"]

_KEEPERS = ("test", "val", "train")


class _Deck(NamedTuple):
    """What is remembered of each item that is dealt, in the order of the source: numbers, for there may be many."""

    keys: array[int]
    groups: array[int]
    contents: array[int]
    splits: bytearray
    given: bytearray
    strata: array[int]


def dealt(
    outcomes: Iterable[Outcome],
    pipeline: Pipeline,
    spool: Path,
    class_of: Callable[[Source], str] | None = None,
    before: Mapping[int, str] | None = None,
) -> Iterator[Outcome]:
    """Yields the outcomes, each item of the dataset with its split.

    Args:
        outcomes: How items ended, in the order of the source.
        pipeline: The pipeline.
        spool: A file that is written, read, and removed.
        class_of: What items are stratified by; None where they are not.
        before: Splits of the dataset that stands at the output, by digest of the key.
    """
    names: list[str] = []
    deck = _Deck(array("Q"), array("Q"), array("Q"), bytearray(), bytearray(), array("L"))
    try:
        with spool.open("wb") as file:
            for outcome in outcomes:
                file.write(encode(outcome) + b"\n")
                if isinstance(outcome, Media):
                    _add(deck, outcome, pipeline, class_of, names)
        if class_of is not None:
            _stratify(deck, pipeline, before or {}, names)
        out = _conflicts(deck)
        yield from _split(spool, deck, out)
    finally:
        spool.unlink(missing_ok=True)


def key_of(source: Source, sha256: str, column: str | None) -> str:
    """Returns what an item is dealt by: its column, its group, or its bytes."""
    value = source.attributes.get(column) if column else None
    return str(value) if value not in (None, "") else source.group or sha256


def digest_of(text: str) -> int:
    """Returns 64 bits of a key's hash."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def _add(
    deck: _Deck, media: Media, pipeline: Pipeline, class_of: Callable[[Source], str] | None, names: list[str]
) -> None:
    source, sha256 = media.verified.source, media.verified.sha256
    key = key_of(source, sha256, pipeline.export.split_by)
    given = source.split or (key if key in SPLITS and pipeline.export.split_by else None)
    deck.keys.append(digest_of(key))
    deck.groups.append(digest_of(source.group) if source.group else 0)
    deck.contents.append(int(sha256[:16], 16))
    deck.given.append(given is not None)
    deck.splits.append(SPLITS.index(given or split_of(key, pipeline.export.split)))
    if class_of is not None:
        name = class_of(source)
        if name not in names:
            names.append(name)
        deck.strata.append(names.index(name))


def _stratify(deck: _Deck, pipeline: Pipeline, before: Mapping[int, str], names: Sequence[str]) -> None:
    """Deals groups anew, class by class, and not those that have their split already."""
    members: dict[int, Counter[int]] = {}
    fixed: dict[int, int] = {}
    for place, key in enumerate(deck.keys):
        members.setdefault(key, Counter())[deck.strata[place]] += 1
        if deck.given[place]:
            fixed.setdefault(key, deck.splits[place])
    strata: dict[int, Stratum] = {}
    for key, classes in members.items():
        most = min(classes, key=lambda index: (-classes[index], names[index]))
        known = fixed.get(key)
        if known is None and key in before:
            known = SPLITS.index(before[key])
        strata.setdefault(most, Stratum({}, {})).add(key, classes.total(), known)
    found: dict[int, int] = {}
    for index in sorted(strata, key=names.__getitem__):
        found |= stratified(strata[index], pipeline.export.split)
    for place, key in enumerate(deck.keys):
        if not deck.given[place]:
            deck.splits[place] = found[key]


def _conflicts(deck: _Deck) -> dict[int, tuple[int, str]]:
    """Returns which items are left out, each with the item that stays and what they share."""
    out: dict[int, tuple[int, str]] = {}
    for what, shared in (("group", deck.groups), ("bytes", deck.contents)):
        several = {one for one, next_ in pairwise(sorted(shared)) if one == next_ and one}
        keepers: dict[int, int] = {}
        for place, one in enumerate(shared):
            if one in several and place not in out:
                keepers[one] = min(keepers.get(one, place), place, key=lambda index: _rank(deck, index))
        for place, one in enumerate(shared):
            if one in keepers and place not in out and deck.splits[place] != deck.splits[keepers[one]]:
                out[place] = keepers[one], what
    return out


def _rank(deck: _Deck, place: int) -> tuple[bool, int, int]:
    return not deck.given[place], _KEEPERS.index(SPLITS[deck.splits[place]]), place


def _split(spool: Path, deck: _Deck, out: Mapping[int, tuple[int, str]]) -> Iterator[Outcome]:
    kept = {keeper for keeper, _ in out.values()}
    ids = {place: media.verified.source.id for place, media in _media(spool) if place in kept} if out else {}
    place = 0
    read: Iterator[Outcome] = read_lines(spool, Outcome)
    for outcome in read:
        if not isinstance(outcome, Media):
            yield outcome
            continue
        split = SPLITS[deck.splits[place]]
        if place in out:
            keeper, what = out[place]
            yield rejected(outcome, _conflict(outcome, split, ids[keeper], SPLITS[deck.splits[keeper]], what))
        else:
            source = replace(outcome.verified.source, split=split)
            yield replace(outcome, verified=replace(outcome.verified, source=source))
        place += 1


def _media(spool: Path) -> Iterator[tuple[int, Media]]:
    read: Iterator[Outcome] = read_lines(spool, Outcome)
    return enumerate(outcome for outcome in read if isinstance(outcome, Media))


def _conflict(media: Media, split: str, other: str, kept: str, what: str) -> SplitConflictError:
    source = media.verified.source
    return SplitConflictError(
        f"{source.origin or source.id}: it would stand in {split}, and {other}, which has the same {what}, stands in "
        f"{kept}. Left out, so that no two splits share it. Give both one split, or one group."
    )
