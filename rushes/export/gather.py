"""What an exporter gathers on `self` over items, and how that comes together at the end.

Batches run in several processes, so no object sees all items. After each item, what the hooks changed on `self` is
taken off as data, and `self` is again as `__init__` left it. At the end these changes are added up, item by item, in
the order of the source. So it makes no difference how batches are cut: not to numbers, not to the order of keys.

    what __init__ set         what comes of it
    int, float                the sum of what was added to it
    Counter, dict             key by key, by these rules; new keys in the order in which they came
    set, frozenset            all that was put into it
    list                      all that was appended; of numbers, where it keeps its length, the sums at each place
    anything else             stays, or becomes the value that it has after every item that changes it

A dict that begins empty and gives its keys the numbers 0, 1, 2… by its own length goes on with these numbers.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from rushes.errors import ExporterError
from rushes.export.values import pack, packed, unpack

__all__ = ["Change", "Gatherer", "gathered"]

Change = dict[str, Any]
"""What the hooks of one item changed: by attribute, a packed change."""

_GIVEN = frozenset({"export_items", "params", "path_root", "run"})
_GROWING = (set, frozenset, list, dict)
_CONSTANT = (
    *(type(None), bool, str, bytes, tuple, PurePath, date, datetime, time, timedelta, Decimal, re.Pattern),
    *(type, ModuleType, FunctionType, BuiltinFunctionType, logging.Logger),
)
_INSTEAD = "Begin its name with an underscore if no other item needs it; else hand it over by self.run.emit()"


class Gatherer:
    """Takes off an exporter, item by item, what its hooks gathered on it.

    Args:
        exporter: As its `__init__` left it.

    Raises:
        ExporterError: A public attribute is no data, so nobody could tell whether it changes.
    """

    def __init__(self, exporter: Any) -> None:
        self._exporter, self._name = exporter, type(exporter).__name__
        vars(exporter).update(_of_class(exporter))
        self._clean = {name: value for name, value in vars(exporter).items() if _is_public(name)}
        for name, value in self._clean.items():
            if not isinstance(value, (int, float, *_GROWING, *_CONSTANT)):
                raise self._error(name, f"is a {type(value).__name__}, which cannot be put together over batches")
        self._clean = {name: _copied(value) for name, value in self._clean.items()}
        self.reset()

    def take(self) -> Change:
        """Returns what changed since the last time, and sets it back.

        Raises:
            ExporterError: Something changed in a way that cannot be put together.
        """
        now = {name: value for name, value in vars(self._exporter).items() if _is_public(name)}
        if odd := now.keys() ^ self._clean.keys():
            what = "first appears in a hook" if (name := min(odd)) in now else "is deleted in a hook"
            raise self._error(name, f"{what}; expected its first value in __init__, which says how it grows")
        changed: Change = {}
        for name, before in self._clean.items():
            if type(now[name]) is not type(self._placed[name]) or now[name] != before:
                try:
                    changed[name] = _change(before, now[name])
                except TypeError as error:
                    raise self._error(name, f"cannot be put together over batches: {error}") from None
        self.reset()
        return changed

    def reset(self) -> None:
        """Sets everything back to what `__init__` made it."""
        self._placed = {name: _fresh(value) for name, value in self._clean.items()}
        vars(self._exporter).update(self._placed)

    def _error(self, name: str, what: str) -> ExporterError:
        return ExporterError(f"{self._name}.{name} {what}. {_INSTEAD}.")


def gathered(exporter: Any, changes: Iterable[Change]) -> list[str]:
    """Sets on an exporter what all items together changed, in their order, and returns the dicts that number keys.

    Raises:
        ExporterError: A value that only one item can set was set to different ones.
    """
    vars(exporter).update(_of_class(exporter))
    total = _Total(type(exporter).__name__)
    state = vars(exporter)
    state.update({name: _copied(value) for name, value in state.items() if _is_public(name)})
    for change in changes:
        for name, one in change.items():
            state[name] = total.add(state[name], one, name)
    return total.number()


class _Watched(dict[Any, Any]):
    """A dict that began empty and remembers what it was asked: `d[key] = len(d)` gives numbers, `d[key]` takes them."""

    measured = False
    read = False

    def __len__(self) -> int:
        self.measured = True
        return super().__len__()

    def __getitem__(self, key: Any) -> Any:
        self.read = True
        return super().__getitem__(key)

    def numbers_keys(self) -> bool:
        """Says whether the keys have the numbers 0, 1, 2…, given by looking at how many there are."""
        return self.measured and bool(self.keys()) and [*self.values()] == [*range(dict.__len__(self))]


def _fresh(value: Any) -> Any:
    if type(value) is dict:
        return {key: _fresh(item) for key, item in value.items()} if value else _Watched()
    return _copied(value)


def _copied(value: Any) -> Any:
    return deepcopy(value) if isinstance(value, _GROWING) else value


def _of_class(exporter: Any) -> dict[str, Any]:
    """Returns copies of what stands on the class, where every object of this process would gather in the same one."""
    found: dict[str, Any] = {}
    for kind in reversed(type(exporter).__mro__):
        found |= {name: value for name, value in vars(kind).items() if isinstance(value, _GROWING) and _is_public(name)}
    return {name: deepcopy(value) for name, value in found.items() if name not in vars(exporter)}


def _is_public(name: str) -> bool:
    return not name.startswith("_") and name not in _GIVEN


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _change(before: Any, after: Any) -> list[Any]:
    """Returns what happened to a value, packed; raises a `TypeError` that says what is in the way."""
    if _is_number(before) and _is_number(after):
        return ["add", after - before]
    if isinstance(before, dict) and isinstance(after, dict):
        return _change_of_dict(before, after)
    if isinstance(before, set | frozenset) and isinstance(after, set | frozenset):
        if gone := before - after:
            raise TypeError(f"{min(map(repr, gone))} was taken out, and only what is put in can be added up")
        return ["put", pack(set(after - before))]
    if isinstance(before, list) and isinstance(after, list):
        return _change_of_list(before, after)
    return ["set", pack(after)]


def _change_of_dict(before: dict[Any, Any], after: dict[Any, Any]) -> list[Any]:
    if gone := before.keys() - after.keys():
        raise TypeError(f"key {min(map(repr, gone))} was taken out, and only what is put in can be added up")
    numbered = isinstance(after, _Watched) and after.numbers_keys()
    if numbered and after.read:  # type: ignore[attr-defined]  # numbered says that it is watched
        raise TypeError(
            "it numbers its keys and its numbers are used, but every item would begin at 0; take the number of a class "
            "from its place in self.params['classes']"
        )
    changed = []
    for key, value in after.items():
        start = before[key] if key in before else _nothing_like(value)
        if key not in before or type(start) is not type(value) or start != value:
            changed.append([pack(key), _change(start, value)])
    return ["counts" if isinstance(after, Counter) else "numbered" if numbered else "keys", changed]


def _change_of_list(before: list[Any], after: list[Any]) -> list[Any]:
    if before and len(before) == len(after) and all(map(_is_number, [*before, *after])):
        return ["each", [["add", new - old] for old, new in zip(before, after, strict=True)]]
    if after[: len(before)] != before:
        raise TypeError("what stood in it was changed, and only what is appended can be added up")
    return ["append", pack(after[len(before) :])]


def _nothing_like(value: Any) -> Any:
    """Returns what a new key of a dict begins with, so that its value adds up over items."""
    if _is_number(value):
        return 0
    return next((kind() for kind in (Counter, dict, set, list) if isinstance(value, kind)), None)


class _Total:
    """Adds up changes, and keeps in mind what must be the same in all of them."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._agreed: dict[str, str] = {}
        self._numbered: dict[str, dict[Any, Any]] = {}
        self._counted: set[str] = set()

    def add(self, value: Any, change: list[Any], where: str) -> Any:
        """Returns a value, None where there is none yet, with one more change; messages say `where` it stands."""
        kind, data = change
        if kind == "add":
            return (value or 0) + data
        if kind == "put":
            return (value or set()) | unpack(data)
        if kind == "append":
            value = [] if value is None else value
            value += unpack(data)  # in place: there may be very many items
            return value
        if kind == "each":
            return [self.add(old, one, where) for old, one in zip(value, data, strict=True)]
        if kind == "set":
            return self._agree(unpack(data), packed(data), where)
        return self._add_keys(value, kind, data, where)

    def number(self) -> list[str]:
        """Gives keys their numbers where every item numbered them, and returns where that is."""
        found = {where: keys for where, keys in self._numbered.items() if where not in self._counted}
        for keys in found.values():
            keys.update({key: number for number, key in enumerate(keys)})
        return sorted(found)

    def _add_keys(self, value: dict[Any, Any] | None, kind: str, data: list[Any], where: str) -> dict[Any, Any]:
        known: dict[Any, Any] = (Counter() if kind == "counts" else {}) if value is None else value
        for packed_key, change in data:
            key = unpack(packed_key)
            known[key] = self.add(known.get(key), change, f"{where}[{key!r}]")
        if kind == "numbered":
            self._numbered[where] = known
        elif data:
            self._counted.add(where)
        return known

    def _agree(self, value: Any, text: str, where: str) -> Any:
        if self._agreed.setdefault(where, text) != text:
            raise ExporterError(
                f"{self._name}.{where} is {self._agreed[where]} after one item and {text} after another, and only "
                f"numbers, sets, lists, dicts and Counters can be put together. {_INSTEAD}."
            )
        return value
