"""Large JSON documents, a piece at a time: the lists that one object holds, in any order, in little memory.

A window slides over the file. What it shows of a list is cut where one object seems to end and the next to begin, and
decoded at once into typed records: a cut at a wrong place, in a string or in a list inside of an object, cannot decode.
Where it does not, the brackets are counted, so that errors name the very object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from rushes.formats.json_window import WINDOW_BYTES, Window

__all__ = ["read_members"]

TRIES = 4

_BETWEEN = re.compile(rb"\s*+,\s*+(?=\{)")
_LIST_END = re.compile(rb"\}\s*+\](?=\s*+(?:,\s*+\"|\}))")


def read_members(path: Path, name: str, kinds: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yields the objects in the lists of a JSON document, in the order of the file, many at a time.

    Args:
        path: The document.
        name: What messages call it.
        kinds: Types of the objects, by the key of the list that they stand in; other keys are passed over.

    Raises:
        AnnotationError: It is no such document, or an object is none of its kind. It names the object and the byte.
    """
    with path.open("rb") as file:
        window = Window(file, name)
        decoders = {key: msgspec.json.Decoder(list[kind]) for key, kind in kinds.items()}  # type: ignore[valid-type]
        seen: set[str] = set()
        for key in _keys(window):
            if key in seen:
                raise window.error(f"the key {key!r} stands there twice; expected it once")
            seen.add(key)
            if key not in decoders:
                window.skip_value()
            elif window.byte() == b"[":
                for objects in _objects(window, key, decoders[key]):
                    yield key, objects
            elif window.take(rb"null") is None:
                raise window.error(f"{key}: expected a list of objects")


def _keys(window: Window) -> Iterator[str]:
    """Yields the keys of the object that the document is; whoever takes them takes what they lead to."""
    if window.byte() != b"{":
        raise window.error('expected a JSON object, like {"images": [], "annotations": [], "categories": []}')
    window.at += 1
    if window.byte() != b"}":
        yield _key(window)
        while window.byte() == b",":
            window.at += 1
            yield _key(window)
    if window.byte() != b"}":
        raise window.error("expected , or } behind a value" if window.byte() else "the file ends in the middle")
    window.at += 1
    if window.byte():
        raise window.error("expected the end of the document, found more")


def _key(window: Window) -> str:
    if window.byte() != b'"':
        raise window.error('expected a key, like "images"' if window.byte() else "the file ends in the middle")
    key = window.text()
    if window.byte() != b":":
        raise window.error(f"expected a colon behind the key {key!r}")
    window.at += 1
    window.byte()
    return key


def _objects(window: Window, key: str, decoder: msgspec.json.Decoder[list[Any]]) -> Iterator[list[Any]]:
    window.at += 1
    if window.byte() == b"]":
        window.at += 1
        return
    count, ended = 0, False
    while not ended:
        if not window.ended and len(window.bytes) - window.at < WINDOW_BYTES:
            window.more()
        objects, ended = _guessed(window, decoder) or _counted(window, f"{key}[", count, decoder)
        count += len(objects)
        if objects:
            yield objects


def _guessed(window: Window, decoder: msgspec.json.Decoder[list[Any]]) -> tuple[list[Any], bool] | None:
    """Decodes what seems to be whole objects, and says whether they are the last; None where that does not work."""
    text, begin = window.bytes, window.at
    cut = len(text)
    for _ in range(TRIES):
        cut = text.rfind(b"}", begin, cut)
        if cut < 0:
            break
        between = _BETWEEN.match(text, cut + 1)
        if between:
            objects = _decoded(decoder, text[begin : cut + 1])
            if objects is None:
                break
            window.at = between.end()
            return objects, False
    for _, end in zip(range(TRIES), _LIST_END.finditer(text, begin), strict=False):
        objects = _decoded(decoder, text[begin : end.start() + 1])
        if objects is not None:
            window.at = end.end()
            return objects, True
    return None


def _decoded(decoder: msgspec.json.Decoder[list[Any]], text: bytes) -> list[Any] | None:
    try:
        return decoder.decode(b"[" + text + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _counted(
    window: Window, where: str, number: int, decoder: msgspec.json.Decoder[list[Any]]
) -> tuple[list[Any], bool]:
    """Decodes objects one by one, as many as the window shows, and says whether they are the last.

    Raises:
        AnnotationError: The next one cannot be decoded; it names it.
    """
    objects: list[Any] = []
    while True:
        if window.byte() != b"{":
            raise window.error(f"{where}{number}]: expected an object" if window.byte() else _short(where, number))
        end, depth = window.scan(window.at)
        if depth:
            if objects:
                return objects, False
            if window.ended:
                raise window.error(_short(where, number))
            window.more()
            continue
        objects += _one(window, decoder, end, f"{where}{number}]")
        window.at, number = end, number + 1
        found = window.byte()
        if found == b"]":
            window.at += 1
            return objects, True
        if found != b",":
            raise window.error(f"expected , or ] behind {where}{number - 1}]" if found else _short(where, number))
        window.at += 1


def _one(window: Window, decoder: msgspec.json.Decoder[list[Any]], end: int, where: str) -> list[Any]:
    try:
        return decoder.decode(b"[" + window.bytes[window.at : end] + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        text = str(error).replace(" - at `$[0]`", "").replace("`$[0]", "`$").rstrip(".")
        raise window.error(f"{where}: {text}") from None


def _short(where: str, number: int) -> str:
    return f"the file ends in the middle of {where}{number}]"
