"""Python's values as JSON that keeps what they are: sets, tuples, counters, keys of any kind, and the order of keys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import PurePath, PurePosixPath
from typing import Any

__all__ = ["pack", "packed", "unpack"]

_TO: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", bytes.hex),
    datetime: ("datetime", datetime.isoformat),
    date: ("date", date.isoformat),
}
_FROM: dict[str, Callable[[Any], Any]] = {
    "bytes": bytes.fromhex,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "path": PurePosixPath,
    "tuple": lambda items: tuple(map(unpack, items)),
    "list": lambda items: [*map(unpack, items)],
    "set": lambda items: {*map(unpack, items)},
    "frozenset": lambda items: frozenset(map(unpack, items)),
    "dict": lambda pairs: {unpack(key): unpack(value) for key, value in pairs},
    "Counter": lambda pairs: Counter({unpack(key): unpack(value) for key, value in pairs}),
}


def packed(value: Any) -> str:
    """Returns a packed value as one line of JSON; equal values give equal lines."""
    return json.dumps(value, separators=(",", ":"))


def pack(value: Any) -> Any:
    """Returns a value as JSON has it: what JSON does not know, and every container, as a pair of its kind and itself.

    Raises:
        TypeError: It, or something in it, is none of the values that can be packed.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in _TO:
        kind, convert = _TO[type(value)]
        return [kind, convert(value)]
    if isinstance(value, PurePath):
        return ["path", value.as_posix()]
    if isinstance(value, dict):
        pairs = [[pack(key), pack(item)] for key, item in value.items()]
        return ["Counter" if isinstance(value, Counter) else "dict", pairs]
    if type(value) in (set, frozenset):
        return [
            type(value).__name__,
            sorted(map(pack, value), key=packed),
        ]  # a set's own order changes with the process
    if type(value) in (list, tuple):
        return [type(value).__name__, [*map(pack, value)]]
    kinds = "numbers, text, bytes, paths, times, and lists, tuples, sets and dicts of them"
    raise TypeError(f"a {type(value).__name__} cannot travel between processes as data; {kinds} can")


def unpack(value: Any) -> Any:
    """Returns the value that was packed."""
    return _FROM[value[0]](value[1]) if isinstance(value, list) else value
