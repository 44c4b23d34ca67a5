"""JSON of DM documents: what is none of it, too deep or out of range is refused with its place."""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import msgspec

from rushes.errors import AnnotationError
from rushes.jsonl import encode

__all__ = ["Number", "Whole", "checked", "dump", "fits", "load", "same", "short", "typed", "wrong"]

_EXACT = 2**53
"""Beyond it a double skips whole numbers, and no pixel, second or radian is that large."""
_DEEP = 100
_MANY = 5_000_000
"""Values of one document, the whole numbers of a list not among them: labels of hours of video fit in."""
_SHOWN = 120

Number = Annotated[float, msgspec.Meta(ge=-_EXACT, le=_EXACT)]
Whole = Annotated[int, msgspec.Meta(ge=0, le=_EXACT)]


class _Node(NamedTuple):
    value: object
    depth: int
    parent: _Node | None
    step: str | int


def load(text: str | bytes, where: str) -> dict[str, Any]:
    """Reads a document's text.

    Raises:
        AnnotationError: It is no JSON object that DM could hold; the message names `where` and the place in it.
    """
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise wrong(where, f"not valid JSON: {error}. Expected a DM document") from None
    return _check(value, where)


def checked(document: object, where: str) -> dict[str, Any]:
    """Returns a copy of a document, all of which is JSON: finite numbers of 64 bits, text, at most 100 levels.

    Raises:
        AnnotationError: It is not; the message names the place.
    """
    copy: dict[str, Any] = msgspec.json.decode(dump(_check(document, where)))
    return copy


def _check(document: object, where: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise wrong(where, f"{short(document)}: expected a DM document, which is an object")
    # One iterator a level, not one node a value: a hostile document has very many.
    waiting = [iter([_Node(document, 0, None, "")])]
    many = 0
    while waiting:
        node = next(waiting[-1], None)
        if node is None:
            waiting.pop()
            continue
        reason = _wrong(node.value) if node.depth <= _DEEP else f"nested deeper than {_DEEP} levels"
        if reason is not None:
            raise wrong(where + _path(node), reason)
        many += 1
        if many > _MANY:
            raise wrong(where, f"more than {_MANY} values; is this another file?")
        if isinstance(node.value, dict | list):
            waiting.append(_children(node))
    return document


def dump(document: object) -> bytes:
    """Returns a document's text, its keys in their order: that of a V1 classification is that of V2's attrs."""
    return msgspec.json.encode(document)


def typed(value: object, kind: Any, where: str) -> Any:
    """Returns a value as the type that it should have.

    Raises:
        AnnotationError: It has another one; the message names the place below `where`.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said, _, place = str(error).partition(" - at `$")
        place = place.rstrip("`")
        raise wrong(where + place, f"{short(_at(value, place))}: {said[:1].lower()}{said[1:]}") from None


def fits(value: object, kind: Any) -> bool:
    """Tells whether a value has a type."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def same(one: object, other: object) -> bool:
    """Tells whether two values are the same JSON, whole and decimal numbers told apart, whatever the order of keys."""
    return encode(one) == encode(other)


def short(value: object) -> str:
    """Returns a value as a message shows it, at most a line of it."""
    text = reprlib.repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def wrong(where: str, reason: str) -> AnnotationError:
    """Returns the one error of this format, to be raised."""
    # Names in a hostile document may be as long as they like.
    place = where if len(where) <= 4 * _SHOWN else f"{where[:_SHOWN]}…{where[-2 * _SHOWN :]}"
    return AnnotationError(f"{place}: {reason}.")


def _wrong(value: object) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value}: expected a finite number"
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return f"{short(value)}: expected a number that fits into 64 bits"
    if isinstance(value, str):
        return None if _is_text(value) else f"{short(value)}: expected text that is Unicode"
    if isinstance(value, dict):
        return next((_wrong_key(key) for key in value if not isinstance(key, str) or not _is_text(key)), None)
    if value is None or isinstance(value, int | float | list):
        return None
    return f"{short(value)}: expected a JSON value, not {type(value).__name__}"


def _wrong_key(key: object) -> str:
    return f"key {short(key)}: expected text that is Unicode"


def _is_text(value: str) -> bool:
    return value.isascii() or not re.search("[\ud800-\udfff]", value)


def _children(node: _Node) -> Iterator[_Node]:
    value, depth = node.value, node.depth + 1
    if isinstance(value, dict):
        yield from (_Node(part, depth, node, key) for key, part in value.items())
    elif isinstance(value, list) and not _is_plain(value):
        yield from (_Node(part, depth, node, index) for index, part in enumerate(value))


def _is_plain(values: list[Any]) -> bool:
    """Tells whether a list holds nothing but whole numbers in range: the pixels of a mask are many."""
    return bool(values) and set(map(type, values)) == {int} and min(values) >= -(2**63) and max(values) < 2**64


def _at(value: Any, place: str) -> Any:
    """Returns what stands at a place like `.data[0]`, or as far on the way to it as can be told."""
    for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", place):
        if not isinstance(value, dict if key else list) or (key and key not in value):
            break
        value = value[key or int(index)]
    return value


def _path(node: _Node | None) -> str:
    steps: list[str] = []
    while node is not None and node.parent is not None:
        steps.append(f"[{node.step}]" if isinstance(node.step, int) else f".{node.step}")
        node = node.parent
    path = "".join(reversed(steps))
    return f": {path.removeprefix('.')}" if path else ""
