"""DM documents as hypothesis draws them: every tool, unknown keys everywhere, and all that is easily lost."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

from rushes.formats.dm import migrate_v1_to_v2

Json = dict[str, Any]

NUMBER = st.integers(-5000, 5000) | st.floats(-5000, 5000)
WORD = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=5)
ID = st.text("abcXYZ019_-", min_size=1, max_size=4)
LEAF = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    LEAF | WORD, lambda part: st.lists(part, max_size=3) | st.dictionaries(WORD, part, max_size=3), max_leaves=6
)
KEY = st.text("kxyz", min_size=2, max_size=3)
"""Of something that the format does not know; none of its own keys is spelled with these letters."""
UNKNOWN = st.dictionaries(KEY, JSON, max_size=2)

WIDTH, HEIGHT = 8, 6
POINT = st.fixed_dictionaries({"x": NUMBER, "y": NUMBER})
NAMED_POINT = st.tuples(st.fixed_dictionaries({"x": NUMBER, "y": NUMBER, "id": ID}), UNKNOWN).map(lambda p: p[0] | p[1])
LINE = st.lists(NAMED_POINT, max_size=4)
BOX = st.fixed_dictionaries(
    {"x": NUMBER, "y": NUMBER, "width": NUMBER, "height": NUMBER}, optional={"rotation": NUMBER | st.none()}
)
PIXELS = st.lists(st.integers(0, WIDTH * HEIGHT - 1), unique=True, max_size=9)
TRIPLE = st.fixed_dictionaries({"x": NUMBER, "y": NUMBER, "z": NUMBER}, optional={"w": NUMBER})
SAID = st.lists(
    st.fixed_dictionaries({"type": WORD, "value": JSON}, optional={"changeHistory": st.lists(JSON, max_size=2)}),
    max_size=2,
)
WORDS: dict[str, st.SearchStrategy[Any]] = {"model": WORD, "displayName": WORD, "generatedBy": JSON, "timestamp": JSON}

YES_OR_NO = st.booleans()


@st.composite
def runs(draw: st.DrawFn) -> list[list[int]]:
    """Draws runs of pixels that do not overlap, in any order."""
    cuts = sorted(draw(st.lists(st.integers(0, WIDTH * HEIGHT), unique=True, max_size=8)))
    found = [[start, end - start] for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    return draw(st.permutations(found))


def _raw(pixels: list[int]) -> Json:
    return {"pixel_indices": pixels, "isCompressed": False, "compressionFormat": None}


def _rle(pixels: list[list[int]]) -> Json:
    return {"pixel_indices": pixels, "isCompressed": True, "compressionFormat": "rle"}


def _placed(place: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    frames = st.dictionaries(st.integers(0, 99).map(str), place, min_size=1, max_size=3)
    return (
        st.fixed_dictionaries({"coordinate": place})
        | st.fixed_dictionaries({"coordinates": frames})
        | st.fixed_dictionaries({"coordinate": place, "coordinates": frames})
    )


def _section(first: str, last: str, kind: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"section": st.fixed_dictionaries({first: kind, last: kind})})


FRAME = st.integers(0, 10**6)
V1_ITEMS: dict[str, Callable[[st.SearchStrategy[str]], st.SearchStrategy[Json]]] = {
    "bounding_box": lambda ids: _placed(BOX),
    "polygon": lambda ids: _placed(LINE),
    "polyline": lambda ids: _placed(LINE),
    "keypoint": lambda ids: _placed(POINT),
    "segmentation": lambda ids: (
        PIXELS.map(_raw)
        | runs().map(_rle)
        | _section("startFrame", "endFrame", FRAME)
        | _section("start", "end", st.floats(0, 1e6))
    ),
    "3d_bounding_box": lambda ids: st.fixed_dictionaries(
        {"psr": st.fixed_dictionaries({"position": TRIPLE, "scale": TRIPLE, "rotation": TRIPLE})}
    ),
    "3d_segmentation": lambda ids: st.fixed_dictionaries({"points": st.lists(st.integers(0, 999), max_size=4)}),
    "classification": lambda ids: st.just({}),
    "relation": lambda ids: st.fixed_dictionaries({"annotationId": ids, "targetAnnotationId": ids}),
    "named_entity": lambda ids: st.fixed_dictionaries({"ranges": st.lists(JSON, max_size=2), "content": WORD}),
    "prompt": lambda ids: st.fixed_dictionaries({"tool": st.just("prompt"), "input": SAID}, optional=WORDS),
    "answer": lambda ids: st.fixed_dictionaries(
        {"tool": st.just("answer"), "output": SAID, "promptAnnotationId": ids}, optional=WORDS
    ),
    "time_range": lambda ids: st.tuples(
        _section("start", "end", st.integers(-(2**60), 2**60)),
        st.fixed_dictionaries({}, optional={"excludedTracks": st.lists(WORD, max_size=2)}),
    ).map(lambda pair: pair[0] | pair[1]),
}

TOOLS = tuple(V1_ITEMS)
ATTRIBUTES: st.SearchStrategy[Json] = st.dictionaries(
    WORD.filter(lambda name: name not in ("class", "visibility")), JSON, max_size=3
)
VISIBILITY = st.sampled_from(["missing", "occluded", "visible", 0, 1, 2])


@st.composite
def v1_annotation(draw: st.DrawFn, tool: str, identity: str) -> Json:
    """Draws an annotation of V1 without its data."""
    said: Json | None = draw(st.none() | st.fixed_dictionaries({}, optional={"class": WORD | st.none()}))
    if said is not None:
        said |= draw(ATTRIBUTES)
        if tool == "keypoint":
            said |= draw(st.fixed_dictionaries({}, optional={"visibility": VISIBILITY}))
    optional: dict[str, st.SearchStrategy[Any]] = {"label": st.lists(WORD, max_size=2)}
    optional |= {name: st.booleans() for name in ("isLocked", "isVisible", "isValid", "isDrawCompleted")}
    known = draw(st.fixed_dictionaries({}, optional=optional))
    classification = {"classification": said} if said is not None or draw(YES_OR_NO) else {}
    return {"id": identity, "tool": tool, **known, **classification, **draw(UNKNOWN)}


@st.composite
def v1_documents(draw: st.DrawFn, types: tuple[str, ...] = ("image", "video", "text", "data")) -> Json:
    """Draws a document of V1."""
    names = draw(st.lists(st.tuples(st.sampled_from(types), st.integers(0, 30)), unique=True, max_size=3))
    media = {f"{kind}_{number}": draw(st.lists(ID, unique=True, max_size=6)) for kind, number in names}
    everyone = st.sampled_from([identity for ids in media.values() for identity in ids] or ["nobody"])
    annotations: Json = {}
    data: Json = {}
    for name, ids in media.items():
        tools = [draw(st.sampled_from(TOOLS)) for _ in ids]
        annotations[name] = [draw(v1_annotation(tool, identity)) for tool, identity in zip(tools, ids, strict=True)]
        kept = [pair for pair in zip(tools, ids, strict=True) if pair[0] != "classification" or draw(YES_OR_NO)]
        items: list[Json] = [
            {"id": identity, **draw(UNKNOWN), **draw(V1_ITEMS[tool](everyone))} for tool, identity in kept
        ]
        if draw(YES_OR_NO) or items:
            data[name] = draw(st.permutations(items))
    document: Json = {"annotations": annotations, "annotationsData": data, "extra": draw(_extra(list(media)))}
    document["relations"] = {
        name: draw(st.lists(_relation(everyone), max_size=2)) for name, ids in media.items() if ids
    }
    grouped = [name for name in media if draw(YES_OR_NO)]
    document["annotationGroups"] = {name: draw(_groups(media[name])) for name in grouped}
    document["assignmentId"] = draw(LEAF)
    for key in ("relations", "annotationGroups", "assignmentId"):
        if draw(st.sampled_from([False, False, True])):
            del document[key]
    return document | draw(UNKNOWN)


def _extra(media: list[str]) -> st.SearchStrategy[Json]:
    size = st.fixed_dictionaries({"width": st.just(WIDTH), "height": st.just(HEIGHT)})
    return st.fixed_dictionaries({name: st.tuples(size, UNKNOWN).map(lambda p: p[0] | p[1]) for name in media})


def _relation(ids: st.SearchStrategy[str]) -> st.SearchStrategy[Json]:
    known = {"id": ID, "tool": st.just("relation"), "annotationId": ids, "targetAnnotationId": ids}
    return st.tuples(st.fixed_dictionaries(known), UNKNOWN).map(lambda pair: pair[0] | pair[1])


@st.composite
def _groups(draw: st.DrawFn, ids: list[str]) -> list[Json] | None:
    if draw(YES_OR_NO):
        return draw(st.sampled_from([None, []]))
    free = list(draw(st.permutations(ids)))
    names = draw(st.lists(ID, unique=True, max_size=2))
    groups = []
    for name in names:
        mine = [free.pop() for _ in range(draw(st.integers(0, len(free))))]
        if draw(YES_OR_NO):
            groups.append({"id": name, "annotationIds": mine, **draw(UNKNOWN)})
        else:
            said = draw(st.none() | st.fixed_dictionaries({"class": WORD}))
            tree = _tree(draw, mine)
            groups.append({"id": name, "tool": "annotationGroup", "classification": said, "annotationList": tree})
    return groups


def _tree(draw: st.DrawFn, ids: list[str]) -> list[Json]:
    if not ids:
        return []
    cut = draw(st.integers(1, len(ids)))
    first = {"annotationId": ids[0], "children": _tree(draw, ids[1:cut])}
    return [first, *_tree(draw, ids[cut:])]


V2_DATA: dict[str, Callable[[st.SearchStrategy[str]], st.SearchStrategy[Json]]] = {
    "bounding_box": lambda ids: _data(st.tuples(NUMBER, NUMBER, NUMBER, NUMBER).map(list)),
    "polygon": lambda ids: _data(st.lists(st.tuples(NUMBER, NUMBER).map(list), max_size=4)),
    "polyline": lambda ids: _data(st.lists(st.tuples(NUMBER, NUMBER).map(list), max_size=4)),
    "keypoint": lambda ids: st.fixed_dictionaries(
        {"data": st.tuples(NUMBER, NUMBER).map(list)}, optional={"visibility": VISIBILITY, "group_id": ID}
    ),
    "segmentation": lambda ids: (
        PIXELS.map(lambda p: {"data": p, "encoding": "raw_indices", "isCompressed": False, "compressionFormat": None})
        | runs().map(lambda p: {"data": p, "encoding": "dm_rle", "isCompressed": True, "compressionFormat": "rle"})
        | PIXELS.map(lambda p: {"data": p})
        | _data(st.fixed_dictionaries({"startFrame": FRAME, "endFrame": FRAME}))
        | _data(st.fixed_dictionaries({"start": st.floats(0, 99), "end": st.floats(0, 99)}))
    ),
    "3d_bounding_box": lambda ids: _data(
        st.fixed_dictionaries({"position": TRIPLE, "scale": TRIPLE, "rotation": TRIPLE})
    ),
    "3d_segmentation": lambda ids: _data(st.fixed_dictionaries({"points": st.lists(st.integers(0, 9), max_size=3)})),
    "classification": lambda ids: _data(st.just({}) | UNKNOWN),
    "relation": lambda ids: _data(st.tuples(ids, ids).map(list)),
    "named_entity": lambda ids: _data(
        st.fixed_dictionaries({"ranges": st.lists(JSON, max_size=2)}, optional={"content": WORD})
    ),
    "prompt": lambda ids: _data(st.fixed_dictionaries({"input": SAID}, optional=WORDS)),
    "answer": lambda ids: _data(st.fixed_dictionaries({"output": SAID, "promptAnnotationId": ids}, optional=WORDS)),
    "time_range": lambda ids: _data(
        st.fixed_dictionaries(
            {"start": st.integers(-9, 2**60), "end": st.integers(-9, 2**60)},
            optional={"excludedTracks": st.lists(WORD, max_size=2)},
        )
    ),
    "group": lambda ids: _data(st.lists(ids, max_size=3)),
}
ATTRS = st.lists(
    st.fixed_dictionaries(
        {"name": WORD | st.sampled_from(["class", "rotation", "visibility", "_hidden", "_coordinates"]), "value": JSON},
        optional={"kyx": JSON},
    ),
    max_size=3,
)


def _data(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"data": strategy})


@st.composite
def annotation_data(draw: st.DrawFn) -> Json:
    """Draws V2's annotation_data."""
    found: Json = draw(UNKNOWN)
    sizes = {plural: draw(st.integers(0, 2)) for plural in draw(st.sampled_from([("images",), ("images", "pcds")]))}
    media = {plural: [draw(st.lists(ID, unique=True, max_size=5)) for _ in range(n)] for plural, n in sizes.items()}
    everyone = st.sampled_from([name for lists in media.values() for ids in lists for name in ids] or ["nobody"])
    for plural, lists in media.items():
        found[plural] = [draw(_v2_media(ids, everyone)) for ids in lists]
    if draw(YES_OR_NO):
        found["classification"] = draw(st.dictionaries(st.sampled_from(TOOLS), st.lists(WORD, max_size=3), max_size=3))
    return found


@st.composite
def _v2_media(draw: st.DrawFn, ids: list[str], everyone: st.SearchStrategy[str]) -> Json:
    media: Json = draw(UNKNOWN)
    for tool in draw(st.lists(st.sampled_from([*V2_DATA]), max_size=2)):
        media[tool] = []
    for identity in ids:
        tool = draw(st.sampled_from([*V2_DATA]))
        said = draw(
            st.fixed_dictionaries({}, optional={"classification": WORD | st.none(), "attrs": ATTRS | st.none()})
        )
        annotation = {"id": identity, **said, **draw(UNKNOWN), **draw(V2_DATA[tool](everyone))}
        media.setdefault(tool, []).append(annotation)
    return media


@st.composite
def v2_documents(draw: st.DrawFn) -> Json:
    """Draws a document of V2 that no V1 made: bare or whole, with or without an annotation_meta, and any in it."""
    data = draw(annotation_data())
    if draw(YES_OR_NO):
        return data
    found = {"annotation_data": data, **draw(UNKNOWN)}
    if draw(YES_OR_NO):
        found["annotation_meta"] = draw(st.none() | UNKNOWN | v1_documents(("image", "pcd")))
    return found


@st.composite
def edited_v2_documents(draw: st.DrawFn) -> Json:
    """Draws what came of a V1, and of which somebody then changed annotation_data alone."""
    found = migrate_v1_to_v2(draw(v1_documents()))
    data = found["annotation_data"]
    kinds = sorted(data.keys() - {"classification"})
    for plural in kinds:
        data[plural] = draw(st.permutations([draw(_edited(media)) for media in data[plural]]))
        if draw(YES_OR_NO):
            data[plural] = data[plural][1:]
    left = [media for plural in kinds for media in data[plural]]
    while True:  # a relation may lead to another one, which goes because its own end is gone
        ends = {annotation["id"] for media in left for annotation in _every(media)}
        dead = [(media, each) for media in left for each in media.get("relation", ()) if not set(each["data"]) <= ends]
        if not dead:
            break
        for media, each in dead:
            media["relation"].remove(each)
    return found


def _every(media: Json) -> list[Json]:
    return [annotation for listed in media.values() for annotation in listed]


@st.composite
def _edited(draw: st.DrawFn, media: Json) -> Json:
    found = {}
    for tool, listed in media.items():
        found[tool] = [draw(_changed(tool, each)) for each in listed if draw(st.sampled_from([True, True, False]))]
    return found


@st.composite
def _changed(draw: st.DrawFn, tool: str, annotation: Json) -> Json:
    change = draw(st.sampled_from(["", "", "class", "attrs", "data", "group"]))
    if change == "class":
        return annotation | {"classification": draw(WORD)}
    if change == "attrs":
        return annotation | {"attrs": draw(ATTRS)}
    if change == "group" and tool == "keypoint":
        return annotation | {"group_id": draw(ID)}
    if change == "data" and tool in ("bounding_box", "polygon", "polyline", "classification", "named_entity"):
        return annotation | draw(V2_DATA[tool](st.nothing()))
    return annotation


@st.composite
def broken(draw: st.DrawFn, documents: st.SearchStrategy[Json]) -> Json:
    """Draws a document in which one value, anywhere, is another one, or gone."""
    document = copy.deepcopy(draw(documents))
    spots = list(_spots(document))
    holder, key = draw(st.sampled_from(spots))
    if draw(YES_OR_NO):
        holder[key] = draw(JSON | st.just(math.nan) | st.just(10**400) | st.just("\ud800") | st.just({1: 2}) | ID)
    elif isinstance(holder, dict):
        del holder[key]
    else:
        holder.append(holder[key])
    return document


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], list | dict):
            yield from _spots(value[key])
