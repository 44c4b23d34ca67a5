from __future__ import annotations

from typing import Any

import pytest

from rushes.errors import AnnotationError
from rushes.formats.dm import migrate_v1_to_v2, migrate_v2_to_v1

Json = dict[str, Any]

TURNED = {
    "position": {"x": 1, "y": 2, "z": 3},
    "scale": {"x": 4, "y": 5, "z": 6},
    "rotation": {"x": 0, "y": 0, "z": 1.5},
}
QUATERNION = TURNED | {"rotation": {"w": 1.0, "x": 0.0, "y": 0.0, "z": 0.0}}
SAID = [{"type": "text", "value": "What is this?", "changeHistory": []}]
POINTS = [{"x": 1, "y": 2, "id": "p1"}, {"x": 3.5, "y": 4, "id": "p2"}]
RAW = {"encoding": "raw_indices", "isCompressed": False, "compressionFormat": None}
RLE = {"encoding": "dm_rle", "isCompressed": True, "compressionFormat": "rle"}

TOOLS: list[tuple[str, str, Json, Json]] = [
    ("image", "bounding_box", {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}, {"data": [1, 2, 3, 4]}),
    (
        "image",
        "bounding_box",
        {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4, "rotation": 0.5}},
        {"data": [1, 2, 3, 4], "attrs": [{"name": "rotation", "value": 0.5}, {"name": "color", "value": "red"}]},
    ),
    ("image", "polygon", {"coordinate": POINTS}, {"data": [[1, 2], [3.5, 4]]}),
    ("image", "polyline", {"coordinate": POINTS}, {"data": [[1, 2], [3.5, 4]]}),
    ("image", "keypoint", {"coordinate": {"x": 1, "y": 2.5}}, {"data": [1, 2.5]}),
    (
        "image",
        "segmentation",
        {"pixel_indices": [5, 1], "isCompressed": False, "compressionFormat": None},
        {"data": [1, 5], **RAW},
    ),
    (
        "image",
        "segmentation",
        {"pixel_indices": [[9, 2], [1, 3]], "isCompressed": True, "compressionFormat": "rle"},
        {"data": [[1, 3], [9, 2]], **RLE},
    ),
    (
        "video",
        "segmentation",
        {"section": {"startFrame": 3, "endFrame": 9}},
        {"data": {"startFrame": 3, "endFrame": 9}},
    ),
    ("audio", "segmentation", {"section": {"start": 0.5, "end": 2.25}}, {"data": {"start": 0.5, "end": 2.25}}),
    ("pcd", "3d_bounding_box", {"psr": TURNED}, {"data": TURNED}),
    ("pcd", "3d_bounding_box", {"psr": QUATERNION}, {"data": QUATERNION}),
    ("pcd", "3d_segmentation", {"points": [7, 3]}, {"data": {"points": [7, 3]}}),
    ("image", "classification", {}, {"data": {}}),
    ("text", "relation", {"annotationId": "one", "targetAnnotationId": "one"}, {"data": ["one", "one"]}),
    (
        "text",
        "named_entity",
        {"ranges": [{"start": 0, "end": 4}], "content": "Rome"},
        {"data": {"ranges": [{"start": 0, "end": 4}], "content": "Rome"}},
    ),
    (
        "prompt",
        "prompt",
        {"tool": "prompt", "input": SAID, "model": "m", "displayName": "M", "generatedBy": "u", "timestamp": 5},
        {"data": {"input": SAID, "model": "m", "displayName": "M", "generatedBy": "u", "timestamp": 5}},
    ),
    (
        "prompt",
        "answer",
        {"tool": "answer", "output": SAID, "promptAnnotationId": "one"},
        {"data": {"output": SAID, "promptAnnotationId": "one"}},
    ),
    (
        "data",
        "time_range",
        {"section": {"start": 1700000000000, "end": 1700000001000}, "excludedTracks": ["t"]},
        {"data": {"start": 1700000000000, "end": 1700000001000, "excludedTracks": ["t"]}},
    ),
]


def v1_of(tool: str, item: Json, media: str = "image_1") -> Json:
    """Returns a V1 document of one red car."""
    said = {"class": "car", "color": "red"}
    flags = {"isLocked": False, "isVisible": True, "isValid": False, "isDrawCompleted": True, "label": []}
    return {
        "annotations": {media: [{"id": "one", "tool": tool, **flags, "classification": said}]},
        "annotationsData": {media: [{"id": "one", **item}]},
        "extra": {media: {"width": 4, "height": 3}},
        "relations": {},
        "annotationGroups": {},
        "assignmentId": None,
    }


@pytest.mark.parametrize(("kind", "tool", "item", "written"), TOOLS)
def test_a_tool_is_written_in_v2_as_its_schema_says(kind: str, tool: str, item: Json, written: Json) -> None:
    v1 = v1_of(tool, item, f"{kind}_1")
    v2 = migrate_v1_to_v2(v1)
    said = {"id": "one", "classification": "car", "attrs": [{"name": "color", "value": "red"}], **written}
    assert v2["annotation_data"] == {"classification": {tool: ["car"]}, f"{kind}s": [{tool: [said]}]}
    assert v2["annotation_meta"] == v1


@pytest.mark.parametrize(("kind", "tool", "item", "written"), TOOLS)
def test_a_tool_of_a_bare_v2_is_written_in_v1_as_its_schema_says(
    kind: str, tool: str, item: Json, written: Json
) -> None:
    v1 = v1_of(tool, item, f"{kind}_1")
    found = migrate_v2_to_v1(migrate_v1_to_v2(v1)["annotation_data"])
    assert found["annotations"] == v1["annotations"]
    [data] = found["annotationsData"][f"{kind}_1"]
    if tool in ("polygon", "polyline"):
        assert [{"x": point["x"], "y": point["y"]} for point in data["coordinate"]] == [
            {"x": 1, "y": 2},
            {"x": 3.5, "y": 4},
        ]
        assert len({point["id"] for point in data["coordinate"]}) == 2
    elif "pixel_indices" in item:
        assert data == {"id": "one", **item, "pixel_indices": sorted(item["pixel_indices"])}
    else:
        assert data == {"id": "one", **item}


@pytest.mark.parametrize(
    ("said", "number", "word"),
    [("missing", 0, "missing"), ("occluded", 1, "occluded"), ("visible", 2, "visible"), (1, 1, "occluded")],
)
def test_the_visibility_of_a_keypoint_has_a_place_of_its_own(said: object, number: int, word: str) -> None:
    v1 = v1_of("keypoint", {"coordinate": {"x": 1, "y": 2}})
    v1["annotations"]["image_1"][0]["classification"] = {"class": "nose", "visibility": said}
    data = migrate_v1_to_v2(v1)["annotation_data"]
    assert data["images"][0]["keypoint"] == [
        {"id": "one", "classification": "nose", "attrs": [], "data": [1, 2], "visibility": number}
    ]
    bare = migrate_v2_to_v1(data)
    assert bare["annotations"]["image_1"][0]["classification"] == {"class": "nose", "visibility": word}


def test_groups_of_both_shapes_become_the_group_id_of_keypoints() -> None:
    points = [{"id": name, "tool": "keypoint", "classification": {"class": name}} for name in ("a", "b", "c", "d")]
    box = {"id": "box", "tool": "bounding_box"}
    tree = [{"annotationId": "box", "children": [{"annotationId": "c", "children": []}]}]
    v1 = {
        "annotations": {"image_3": [*points, box]},
        "annotationsData": {
            "image_3": [
                *({"id": point["id"], "coordinate": {"x": 0, "y": 0}} for point in points),
                {"id": "box", "coordinate": {"x": 0, "y": 0, "width": 1, "height": 1}},
            ]
        },
        "annotationGroups": {
            "image_3": [
                {"id": "plain", "annotationIds": ["b", "a"]},
                {"id": "tree", "tool": "annotationGroup", "classification": None, "annotationList": tree},
            ]
        },
    }
    media = migrate_v1_to_v2(v1)["annotation_data"]["images"][0]
    assert [(point["id"], point.get("group_id")) for point in media["keypoint"]] == [
        ("a", "plain"),
        ("b", "plain"),
        ("c", "tree"),
        ("d", None),
    ]
    assert "group_id" not in media["bounding_box"][0]


def test_keypoints_of_a_bare_v2_are_grouped_in_v1() -> None:
    points = [{"id": name, "classification": name, "attrs": [], "data": [1, 2], "group_id": "g"} for name in "ab"]
    v1 = migrate_v2_to_v1({"images": [{"keypoint": points}]})
    assert v1["annotationGroups"] == {"image_1": [{"id": "g", "annotationIds": ["a", "b"]}]}


def test_media_are_in_the_order_in_which_people_count() -> None:
    names = ["image_10", "video_2", "image_9", "image_0"]
    v1: Json = {
        "annotations": {name: [{"id": name, "tool": "classification"}] for name in names},
        "annotationsData": {},
    }
    data = migrate_v1_to_v2(v1)["annotation_data"]
    assert [media["classification"][0]["id"] for media in data["images"]] == ["image_0", "image_9", "image_10"]
    assert [media["classification"][0]["id"] for media in data["videos"]] == ["video_2"]


def test_an_unknown_tool_is_refused_in_either_version() -> None:
    with pytest.raises(AnnotationError, match=r"annotations.image_1\[0\].tool: unknown tool 'lasso'; expected one of"):
        migrate_v1_to_v2(v1_of("lasso", {}))
    with pytest.raises(AnnotationError, match=r"a.json: \$.images\[0\].lasso: unknown tool"):
        migrate_v2_to_v1({"images": [{"lasso": [{"id": "a", "data": []}]}]}, "a.json")
