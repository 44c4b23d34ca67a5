"""What each DM tool writes into an annotation's data, in V1 and in V2, and how one becomes the other.

| tool | V1 item of annotationsData | V2 data |
|---|---|---|
| bounding_box | coordinate: {x, y, width, height, rotation?} | [x, y, width, height], rotation among the attrs |
| polygon, polyline | coordinate: [{x, y, id}, …] | [[x, y], …] |
| keypoint | coordinate: {x, y} | [x, y] |
| segmentation | pixel_indices and its two flags; or section | the same and encoding; or the section |
| 3d_bounding_box | psr: {position, scale, rotation} | {position, scale, rotation} |
| 3d_segmentation | points | {points} |
| classification | nothing | {} |
| relation | annotationId, targetAnnotationId | [from, to] |
| named_entity | ranges, content | {ranges, content} |
| prompt, answer | everything but id and tool | the same |
| time_range | section: {start, end}, excludedTracks? | {start, end, excludedTracks?} |

A place that changes over a video stands in V1 as `coordinates`, by frame. V2 has no word for it: its data is the place
in the first of these frames, and an attr named `_coordinates` holds all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta, Struct

from rushes.formats.dm.values import Number, Whole, fits, short, typed, wrong

__all__ = ["TOOLS", "Json", "Name", "data_to_v1", "data_to_v2", "frames_of"]

Name = Annotated[str, Meta(min_length=1)]
Json = dict[str, Any]


class _Point(Struct):
    x: Number
    y: Number


class _Box(_Point):
    width: Number
    height: Number
    rotation: Number | None = None


class _Corner(Struct):
    x: Number
    y: Number
    z: Number
    w: Number | None = None


class _Solid(Struct):
    position: _Corner
    scale: _Corner
    rotation: _Corner


class _Psr(Struct):
    psr: _Solid


class _Points(Struct):
    points: list[Whole]


class _Relation(Struct):
    annotationId: Name  # noqa: N815 - the format's own names
    targetAnnotationId: Name  # noqa: N815


class _Entity(Struct):
    ranges: list[Any]
    content: str | None = ""


class _Words(Struct):
    input: list[Json] | str | None = None
    output: list[Json] | str | None = None
    model: str | None = None
    promptAnnotationId: str | None = None  # noqa: N815


class _Span(Struct):
    start: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    end: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class _TimeRange(Struct):
    section: _Span
    excludedTracks: list[str] | None = None  # noqa: N815


class _TimeData(_Span):
    excludedTracks: list[str] | None = None  # noqa: N815


class _Nothing(Struct):
    pass


@dataclass(frozen=True, slots=True)
class Tool:
    """How one tool writes its data.

    Attributes:
        v1: Type of an item of annotationsData; of its `coordinate`, where the tool has one.
        v2: Type of data.
        to_v2: Data of an item, or of its `coordinate`.
        to_v1: An item without its id, or its `coordinate`, of data.
        placed: Whether the tool has a `coordinate`.
    """

    v1: Any
    v2: Any
    to_v2: Callable[[Any], Any]
    to_v1: Callable[[Any], Any]
    placed: bool = False

    @property
    def frames(self) -> Any:
        """Type of `coordinates`."""
        return dict.__class_getitem__((_FRAME, self.v1))


def data_to_v2(tool: str, item: Json, where: str) -> Any:
    """Returns the data of a V2 annotation, from its item of annotationsData.

    Raises:
        AnnotationError: It is not what the tool writes.
    """
    kind = TOOLS[tool]
    if not kind.placed:
        typed(item, kind.v1, where)
        return kind.to_v2(item)
    place = item.get("coordinate")
    if place is None:
        frames = frames_of(tool, item, where)
        if not frames:
            raise wrong(where, "no coordinate; expected where the annotation is, or coordinates by frame")
        place = frames[min(frames, key=lambda frame: (len(frame), frame))]
    typed(place, kind.v1, f"{where}.coordinate")
    data: Any = kind.to_v2(place)
    return data


def frames_of(tool: str, item: Json, where: str) -> Json:
    """Returns the places by frame of an item of annotationsData, if it has any.

    Raises:
        AnnotationError: They are not what the tool writes.
    """
    if not TOOLS[tool].placed or item.get("coordinates") is None:
        return {}
    frames: Json = typed(item["coordinates"], Json, f"{where}.coordinates")
    for frame, place in frames.items():
        if not fits(frame, _FRAME):
            raise wrong(f"{where}.coordinates", f"key {short(frame)}: expected the number of a frame")
        typed(place, TOOLS[tool].v1, f"{where}.coordinates.{frame}")
    return frames


def data_to_v1(tool: str, identity: str, data: Any, attrs: Mapping[str, Any], where: str) -> Json:
    """Returns the item of annotationsData of a V2 annotation.

    Args:
        tool: Its tool.
        identity: Its id.
        data: Its data.
        attrs: Its attributes by name.
        where: For messages.

    Raises:
        AnnotationError: The data is not what the tool writes.
    """
    kind = TOOLS[tool]
    typed(data, kind.v2, f"{where}.data")
    if not kind.placed:
        item: Json = {"id": identity, **kind.to_v1(data)}
        return item | {"tool": tool} if kind is _WORDS else item
    place = kind.to_v1(data)
    if isinstance(place, list):
        place = [{**point, "id": _point_id(identity, index)} for index, point in enumerate(place)]
    return {"id": identity} | _over_time(tool, place, attrs.get("_coordinates"))


def _over_time(tool: str, place: Any, frames: Any) -> Json:
    kind = TOOLS[tool]
    if not isinstance(frames, dict) or not frames or not fits(frames, kind.frames):
        return {"coordinate": place}
    first = frames[min(frames, key=lambda frame: (len(frame), frame))]
    alone = kind.to_v2(first) == kind.to_v2(place)
    return {"coordinates": frames} if alone else {"coordinate": place, "coordinates": frames}


def _point_id(identity: str, index: int) -> str:
    """Names a point as V1 wants it, in ten characters; V2 knows no names of points."""
    return hashlib.sha256(f"{identity}/{index}".encode()).hexdigest()[:10]


def _box_to_v2(place: Json) -> list[float]:
    return [place["x"], place["y"], place["width"], place["height"]]


def _box_to_v1(data: list[float]) -> Json:
    return dict(zip(("x", "y", "width", "height"), data, strict=True))


def _line_to_v2(place: list[Json]) -> list[list[float]]:
    return [[point["x"], point["y"]] for point in place]


def _line_to_v1(data: list[list[float]]) -> list[Json]:
    return [{"x": x, "y": y} for x, y in data]


def _only(*keys: str) -> Callable[[Json], Json]:
    return lambda item: {key: item[key] for key in keys if key in item}


def _words(item: Json) -> Json:
    return {key: value for key, value in item.items() if key not in ("id", "tool")}


def _time_to_v2(item: Json) -> Json:
    return _only("start", "end")(item["section"]) | _only("excludedTracks")(item)


def _time_to_v1(data: Json) -> Json:
    return {"section": _only("start", "end")(data)} | _only("excludedTracks")(data)


def _line(points: Any) -> Any:
    return Tool(list[points], list[tuple[Number, Number]], _line_to_v2, _line_to_v1, placed=True)


_FRAME = Annotated[str, Meta(pattern=r"^[0-9]{1,15}\Z")]
_WORDS = Tool(_Words, _Words, _words, _words)

TOOLS: dict[str, Tool] = {
    "bounding_box": Tool(_Box, tuple[Number, Number, Number, Number], _box_to_v2, _box_to_v1, placed=True),
    "polygon": _line(_Point),
    "polyline": _line(_Point),
    "keypoint": Tool(
        _Point,
        tuple[Number, Number],
        lambda place: [place["x"], place["y"]],
        lambda data: {"x": data[0], "y": data[1]},
        placed=True,
    ),
    "3d_bounding_box": Tool(
        _Psr,
        _Solid,
        lambda item: _only("position", "scale", "rotation")(item["psr"]),
        lambda data: {"psr": _only("position", "scale", "rotation")(data)},
    ),
    "3d_segmentation": Tool(_Points, _Points, _only("points"), _only("points")),
    "classification": Tool(_Nothing, _Nothing, lambda item: {}, lambda data: {}),
    "relation": Tool(
        _Relation,
        tuple[Name, Name],
        lambda item: [item["annotationId"], item["targetAnnotationId"]],
        lambda data: {"annotationId": data[0], "targetAnnotationId": data[1]},
    ),
    "named_entity": Tool(
        _Entity,
        _Entity,
        lambda item: {"ranges": item["ranges"], "content": item.get("content", "")},
        _only("ranges", "content"),
    ),
    "prompt": _WORDS,
    "answer": _WORDS,
    "time_range": Tool(_TimeRange, _TimeData, _time_to_v2, _time_to_v1),
}
"""By name; `segmentation` is in a module of its own."""
