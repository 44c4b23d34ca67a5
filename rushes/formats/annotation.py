"""Labels as the source file writes them: a list of objects, in pixels of the source media as shown upright.

`[{"class": "car", "box": [x, y, width, height], "polygon": [[x, y], …], "keypoints": [[x, y, v], …],
"rotation": radians, "frame": 0 | "time_s": 0.0, "track": "a", "attributes": {…}}]`
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from rushes.errors import AnnotationError
from rushes.formats.geometry import Box, Point, bounds, clamp_box, clip_polygon, corners, scale_rotated
from rushes.records import Annotation

__all__ = ["box_of", "clip", "dump", "parse", "scale"]


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
        except (msgspec.DecodeError, UnicodeError) as error:
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


def scale(annotation: Annotation, sx: float, sy: float) -> Annotation:
    """Returns the label as it lies in the same picture, `sx` times as wide and `sy` times as high."""
    box, rotation = annotation.box, annotation.rotation
    if box is not None and rotation is not None:
        box, rotation = scale_rotated(box, rotation, sx, sy)
    elif box is not None:
        box = (box[0] * sx, box[1] * sy, box[2] * sx, box[3] * sy)
    polygon = annotation.polygon and tuple((x * sx, y * sy) for x, y in annotation.polygon)
    keypoints = annotation.keypoints and tuple((x * sx, y * sy, v) for x, y, v in annotation.keypoints)
    return replace(annotation, box=box, rotation=rotation, polygon=polygon, keypoints=keypoints)


def clip(annotation: Annotation, width: int, height: int) -> tuple[Annotation | None, str | None]:
    """Cuts a label to the image.

    A turned box that reaches over the edge stays as it is, because the rest of it is no box any more. A keypoint
    outside becomes (0, 0) with visibility 0, which is how COCO says "not labelled".

    Returns:
        The label, or None where nothing is left of it; and the reason of any change: `clipped_to_image`,
        `outside_image` or `empty_box`.
    """
    whole = box_of(annotation)
    if whole is not None and (whole[2] <= 0 or whole[3] <= 0):
        return None, "empty_box"
    if whole is not None and min(clamp_box(whole, width, height)[2:]) <= 0:
        return None, "outside_image"
    cut = _cut(annotation, width, height)
    if annotation.polygon and not cut.polygon and cut.box is None:
        return None, "outside_image"
    if whole is None and cut.keypoints and not any(v for _, _, v in cut.keypoints):
        return None, "outside_image"
    return (annotation, None) if cut == annotation else (cut, "clipped_to_image")


def box_of(annotation: Annotation) -> Box | None:
    """Returns the smallest upright box around a label, from its box or its polygon; None where it has neither."""
    if annotation.box is not None and annotation.rotation:
        return bounds(corners(annotation.box, annotation.rotation))
    return annotation.box or (bounds(annotation.polygon) if annotation.polygon else None)


def _cut(annotation: Annotation, width: int, height: int) -> Annotation:
    box, polygon, keypoints = annotation.box, annotation.polygon, annotation.keypoints
    if box is not None and not annotation.rotation:
        box = box if _holds(box, width, height) else clamp_box(box, width, height)
    if polygon is not None and not all(_inside(x, y, width, height) for x, y in polygon):
        polygon = clip_polygon(polygon, width, height) or None
    if keypoints is not None:
        keypoints = tuple(p if _inside(p[0], p[1], width, height) else (0.0, 0.0, 0.0) for p in keypoints)
    return replace(annotation, box=box, polygon=polygon, keypoints=keypoints)


def _holds(box: Box, width: int, height: int) -> bool:
    # A box that fits stays exactly as it was written: clamping would go through x + width - x and change digits.
    x, y, box_width, box_height = box
    return _inside(x, y, width, height) and _inside(x + box_width, y + box_height, width, height)


def _inside(x: float, y: float, width: int, height: int) -> bool:
    return 0 <= x <= width and 0 <= y <= height


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


def _polygon(value: object) -> tuple[Point, ...]:
    expected = "at least three points [[x, y], …] in pixels"
    if not isinstance(value, list | tuple) or len(value) < 3:
        raise ValueError(expected)
    return tuple((x, y) for x, y in (_numbers(point, 2, expected) for point in value))


def _keypoints(value: object) -> tuple[tuple[float, float, float], ...]:
    expected = "points [[x, y, visibility], …] in pixels, visibility 0, 1 or 2"
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(expected)
    points = tuple((x, y, v) for x, y, v in (_numbers(point, 3, expected) for point in value))
    if any(v not in (0, 1, 2) for _, _, v in points):
        raise ValueError(expected)
    return points


def _rotation(value: object) -> float:
    return _number(value, "radians")


def _frame(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise ValueError("a frame's index, a whole number from 0")
    return value


def _time_s(value: object) -> float:
    number = _number(value, "seconds, at least 0")
    if number < 0:
        raise ValueError("seconds, at least 0")
    return number


def _track(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError("the name or number of a track")
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
    "track": _track,
    "attributes": _attributes,
}
