"""Labels as the source file writes them: a list of objects, in pixels of the source media as shown upright.

`[{"class": "car", "box": [x, y, width, height], "polygon": [[x, y], …], "keypoints": [[x, y, v], …],
"rotation": radians, "frame": 0 | "time_s": 0.0, "track": "a", "attributes": {…}}]`

Beyond these: `parts`, a list of outlines, each a list of rings of which the second and later ones are holes; `mask`, as
COCO's `{"size": [height, width], "counts": "…" | [run, …]}`; `polyline`; `id`, and `relation: [from id, to id]`;
`spans` of a text, `[[start, end, "words"], …]`; and `crowd`, `difficult`, `truncated` and `occluded`, true or false.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any, TypeGuard

import msgspec

from rushes.errors import AnnotationError
from rushes.formats.masks import check_mask, from_runs
from rushes.labels import Annotation, Box, Keypoint, Mask, Part, Ring, Span

__all__ = ["dump", "parse"]


def parse(value: object, where: str) -> tuple[Annotation, ...]:
    """Reads the labels of one item.

    Args:
        value: JSON text, or the list that it stands for.
        where: Where it stands, like `items.csv:12`, for messages.

    Raises:
        AnnotationError: It names `where`, the label's index, the key, the value, and what was expected.
    """
    if isinstance(value, str | bytes):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise AnnotationError(
                f"{where}: annotations = {reprlib.repr(value)}: not valid JSON: {error}. "
                'Expected a list like [{"class": "car", "box": [0, 0, 10, 10]}].'
            ) from None
    if not isinstance(value, list | tuple):
        raise AnnotationError(f"{where}: annotations = {reprlib.repr(value)}: expected a list of labels.")
    return tuple(_annotation(item, f"{where}: annotations[{index}]") for index, item in enumerate(value))


def dump(annotation: Annotation) -> dict[str, Any]:
    """Returns the object that `parse` reads as this label."""
    found: dict[str, Any] = msgspec.to_builtins(annotation)
    found = {"class": found.pop("label"), **found}
    return {key: _listed(value) if isinstance(value, tuple) else value for key, value in found.items()}


def _annotation(item: object, where: str) -> Annotation:
    if not isinstance(item, dict):
        raise AnnotationError(f'{where} = {reprlib.repr(item)}: expected an object like {{"class": "car", …}}.')
    found = {_FIELDS.get(key, str(key)): _read(key, value, where) for key, value in item.items()}
    _check_whole(found, where)
    return Annotation(**{key: value for key, value in found.items() if value is not None})


def _read(key: object, value: object, where: str) -> Any:
    if not isinstance(key, str) or key not in _READERS:
        raise AnnotationError(
            f"{where}: unknown key {reprlib.repr(key)}; expected one of {', '.join(_READERS)}. "
            "Anything else belongs into attributes."
        )
    if value is None and key != "class":
        return None
    try:
        return _READERS[key](value)
    except ValueError as error:
        raise AnnotationError(f"{where}.{key} = {reprlib.repr(value)}: expected {error}.") from None


def _check_whole(found: dict[str, Any], where: str) -> None:
    if "label" not in found:
        raise AnnotationError(f'{where}: "class" is missing; every label needs one.')
    if found.get("frame") is not None and found.get("time_s") is not None:
        raise AnnotationError(f"{where}: frame and time_s are both given; expected one of them.")
    if found.get("rotation") is not None and found.get("box") is None:
        raise AnnotationError(f"{where}: rotation without a box; expected the box that it turns.")
    if found.get("polygon") is not None and found.get("parts") is not None:
        raise AnnotationError(f"{where}: polygon and parts are both given; expected one of them.")


def _number(value: object, expected: str) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    if not abs(number) < 2**53:
        raise ValueError(f"{expected}, finite numbers")
    return float(number)


def _numbers(value: object, count: int, expected: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise ValueError(expected)
    return tuple(_number(part, expected) for part in value)


def _class(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value.splitlines()) != 1:
        raise ValueError("the name of a class, in one line")
    return value


def _box(value: object) -> Box:
    expected = "[x, y, width, height] in pixels"
    x, y, width, height = _numbers(value, 4, expected)
    if width < 0 or height < 0:
        raise ValueError(f"{expected}, width and height at least 0")
    return x, y, width, height


def _points(value: object, least: int, expected: str) -> Ring:
    if not isinstance(value, list | tuple) or len(value) < least:
        raise ValueError(expected)
    return tuple((x, y) for x, y in (_numbers(point, 2, expected) for point in value))


def _polygon(value: object) -> Ring:
    return _points(value, 3, "at least three points [[x, y], …] in pixels")


def _polyline(value: object) -> Ring:
    return _points(value, 2, "at least two points [[x, y], …] in pixels")


def _parts(value: object) -> tuple[Part, ...]:
    expected = "outlines [[[[x, y], …], hole, …], …] in pixels, of rings of at least three points"
    if not _is_list(value) or not all(map(_is_list, value)):
        raise ValueError(expected)
    return tuple(tuple(_points(ring, 3, expected) for ring in part) for part in value)


def _is_list(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple) and bool(value)


def _mask(value: object) -> Mask:
    expected = '{"size": [height, width], "counts": …}'
    if not isinstance(value, dict) or value.keys() != {"size", "counts"}:
        raise ValueError(expected)
    height, width = (_index(side, expected) for side in _pair(value["size"], expected))
    counts = value["counts"]
    if isinstance(counts, str):
        return check_mask(Mask((height, width), counts))
    if _is_list(counts):
        return from_runs([_index(run, "runs, whole numbers from 0") for run in counts], height, width)
    raise ValueError(expected)


def _pair(value: object, expected: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(expected)
    return value[0], value[1]


def _relation(value: object) -> tuple[str, str]:
    begin, end = _pair(value, "[from id, to id]")
    return _name(begin), _name(end)


def _spans(value: object) -> tuple[Span, ...]:
    expected = 'spans [[start, end, "words"], …] of characters, start before end'
    if not _is_list(value):
        raise ValueError(expected)
    return tuple(_span(span, expected) for span in value)


def _span(value: object, expected: str) -> Span:
    if not isinstance(value, list | tuple) or len(value) != 3 or not isinstance(value[2], str):
        raise ValueError(expected)
    start, end = _index(value[0], expected), _index(value[1], expected)
    if start > end:
        raise ValueError(expected)
    return start, end, value[2]


def _flag(value: object) -> bool:
    if value is True or value is False:
        return value
    raise ValueError("true or false")


def _keypoints(value: object) -> tuple[Keypoint, ...]:
    expected = "points [[x, y, visibility], …] in pixels, visibility 0, 1 or 2"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(expected)
    points = tuple((x, y, v) for x, y, v in (_numbers(point, 3, expected) for point in value))
    if any(v not in (0, 1, 2) for _, _, v in points):
        raise ValueError(expected)
    return points


def _rotation(value: object) -> float:
    return _number(value, "radians")


def _index(value: object, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError(expected)
    return value


def _frame(value: object) -> int:
    return _index(value, "a frame's index, a whole number from 0")


def _time_s(value: object) -> float:
    number = _number(value, "seconds, at least 0")
    if number < 0:
        raise ValueError("seconds, at least 0")
    return number


def _name(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError("a name or a number")
    return str(value)


def _attributes(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError("an object of attributes")
    return dict(value)


def _listed(value: tuple[Any, ...]) -> list[Any]:
    return [_listed(part) if isinstance(part, tuple) else part for part in value]


_FIELDS = {"class": "label"}
_READERS: dict[str, Callable[[object], Any]] = {
    "class": _class,
    "box": _box,
    "polygon": _polygon,
    "keypoints": _keypoints,
    "rotation": _rotation,
    "frame": _frame,
    "time_s": _time_s,
    "track": _name,
    "attributes": _attributes,
    "id": _name,
    "parts": _parts,
    "mask": _mask,
    "polyline": _polyline,
    "relation": _relation,
    "spans": _spans,
    "crowd": _flag,
    "difficult": _flag,
    "truncated": _flag,
    "occluded": _flag,
}
