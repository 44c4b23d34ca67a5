"""What a migration easily loses, one by one."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rushes.formats.dm import migrate_v1_to_v2, migrate_v2_to_v1
from tests.rushes.formats.dm.test_tools import POINTS, v1_of

Json = dict[str, Any]


@pytest.fixture
def v1() -> Json:
    """A document of two media whose numbers leave gaps, with links between them."""
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    return {
        "annotations": {
            "image_3": [
                {"id": "b", "tool": "bounding_box", "isLocked": True, "classification": {"class": "car"}, "note": 1},
                {"id": "p", "tool": "polygon", "classification": None},
                {"id": "k", "tool": "keypoint", "classification": {"class": "nose"}},
                {"id": "c", "tool": "bounding_box", "classification": {"class": "bus", "_seen": True}},
            ],
            "image_7": [{"id": "k", "tool": "keypoint", "classification": {"class": "tail"}, "isVisible": False}],
        },
        "annotationsData": {
            "image_3": [
                {"id": "c", "coordinate": box, "colour": "#fff"},
                {"id": "b", "coordinate": box},
                {"id": "k", "coordinate": {"x": 1, "y": 1, "z": 9}},
                {"id": "p", "coordinate": POINTS},
            ],
            "image_7": [{"id": "k", "coordinate": {"x": 2, "y": 2}}],
        },
        "extra": {"image_3": {"width": 9, "height": 9}, "image_7": {"width": 9, "height": 9}},
        "relations": {"image_3": [{"id": "r", "tool": "relation", "annotationId": "b", "targetAnnotationId": "c"}]},
        "annotationGroups": {"image_7": [{"id": "g", "annotationIds": ["k"]}]},
        "assignmentId": 42,
        "project": {"name": "street"},
    }


def test_media_keep_their_ids_and_with_them_their_links(v1: Json) -> None:
    found = migrate_v2_to_v1(migrate_v1_to_v2(v1))
    assert list(found["annotations"]) == ["image_3", "image_7"]
    assert found["relations"] == v1["relations"]
    assert found["annotationGroups"] == v1["annotationGroups"]


def test_the_same_id_in_two_media_is_two_annotations(v1: Json) -> None:
    found = migrate_v2_to_v1(migrate_v1_to_v2(v1))
    assert found["annotations"]["image_7"] == v1["annotations"]["image_7"]
    assert found["annotations"]["image_3"][2] == v1["annotations"]["image_3"][2]


def test_points_keep_their_ids_and_annotations_what_nobody_knows(v1: Json) -> None:
    found = migrate_v2_to_v1(migrate_v1_to_v2(v1))
    assert found["annotationsData"] == v1["annotationsData"]
    assert found["project"] == v1["project"]


def test_annotations_keep_their_order_across_tools(v1: Json) -> None:
    found = migrate_v2_to_v1(migrate_v1_to_v2(v1))
    assert [each["id"] for each in found["annotations"]["image_3"]] == ["b", "p", "k", "c"]
    assert [each["id"] for each in found["annotationsData"]["image_3"]] == ["c", "b", "k", "p"]


def test_null_is_not_a_class_without_a_name(v1: Json) -> None:
    v2 = migrate_v1_to_v2(v1)
    assert v2["annotation_data"]["images"][0]["polygon"][0]["classification"] == ""
    assert v2["annotation_data"]["classification"] == {"bounding_box": ["bus", "car"], "keypoint": ["nose", "tail"]}
    assert migrate_v2_to_v1(v2)["annotations"]["image_3"][1]["classification"] is None


def test_places_by_frame_are_in_v2_even_where_nobody_keeps_annotation_meta() -> None:
    frames = {
        "10": {"x": 5, "y": 6, "width": 7, "height": 8},
        "9": {"x": 1, "y": 2, "width": 3, "height": 4},
    }
    v1 = v1_of("bounding_box", {"coordinates": frames}, "video_1")
    data = migrate_v1_to_v2(v1)["annotation_data"]
    [box] = data["videos"][0]["bounding_box"]
    assert box["data"] == [1, 2, 3, 4], "of the first frame, and never zeros"
    assert box["attrs"][-1] == {"name": "_coordinates", "value": frames}
    assert migrate_v2_to_v1(data)["annotationsData"] == v1["annotationsData"]


def test_places_by_frame_outlive_a_v2_that_made_zeros_of_them() -> None:
    frames = {"9": {"x": 1, "y": 2, "width": 3, "height": 4}}
    v1 = v1_of("bounding_box", {"coordinates": frames}, "video_1")
    v2 = migrate_v1_to_v2(v1)
    v2["annotation_data"]["videos"][0]["bounding_box"][0] |= {"data": [0, 0, 0, 0], "attrs": []}
    assert migrate_v2_to_v1(v2)["annotationsData"] == v1["annotationsData"]


def test_what_v1_did_not_have_it_does_not_get(v1: Json) -> None:
    for key in ("relations", "annotationGroups", "assignmentId", "extra"):
        del v1[key]
    v2 = migrate_v1_to_v2(v1)
    meta = v2["annotation_meta"]
    assert (meta["relations"], meta["annotationGroups"], meta["assignmentId"], meta["extra"]) == ({}, {}, None, {})
    assert migrate_v2_to_v1(v2) == v1


def test_what_annotation_data_says_counts_and_the_rest_stays(v1: Json) -> None:
    v2 = migrate_v1_to_v2(v1)
    media = v2["annotation_data"]["images"][0]
    media["bounding_box"][0] |= {"classification": "van", "data": [9, 9, 1, 1]}
    media["polygon"][0]["data"][1] = [50, 60]
    media["bounding_box"][1]["attrs"].append({"name": "color", "value": "red"})
    found = migrate_v2_to_v1(v2)
    van, polygon, _, bus = found["annotations"]["image_3"]
    assert van == {
        "id": "b",
        "tool": "bounding_box",
        "isLocked": True,
        "classification": {"class": "van"},
        "note": 1,
    }
    assert polygon["classification"] is None
    assert bus["classification"] == {"class": "bus", "_seen": True, "color": "red"}
    data = {item["id"]: item for item in found["annotationsData"]["image_3"]}
    assert data["b"]["coordinate"] == {"x": 9, "y": 9, "width": 1, "height": 1}
    assert data["p"]["coordinate"] == [{"x": 1, "y": 2, "id": "p1"}, {"x": 50, "y": 60, "id": "p2"}]
    assert data["c"]["colour"] == "#fff"


def test_what_is_gone_from_annotation_data_leaves_no_loose_ends(v1: Json) -> None:
    v2 = migrate_v1_to_v2(v1)
    del v2["annotation_data"]["images"][0]["bounding_box"][1]
    v2["annotation_data"]["images"][1]["keypoint"] = []
    found = migrate_v2_to_v1(v2)
    assert [each["id"] for each in found["annotations"]["image_3"]] == ["b", "p", "k"]
    assert found["relations"] == {"image_3": []}
    assert found["annotationGroups"] == {"image_7": [{"id": "g", "annotationIds": []}]}


def test_media_that_changed_places_are_known_by_their_annotations(v1: Json) -> None:
    v1["annotations"]["image_7"][0]["id"] = v1["annotationsData"]["image_7"][0]["id"] = "other"
    del v1["annotationGroups"]
    v2 = migrate_v1_to_v2(v1)
    v2["annotation_data"]["images"].reverse()
    found = migrate_v2_to_v1(v2)
    assert found["annotations"] == v1["annotations"]
    assert migrate_v1_to_v2(found) == v2


def test_what_v1_has_no_words_for_comes_back_though_the_v1_was_changed() -> None:
    hidden = {"name": "_score", "value": 0.9}
    v2 = {
        "classification": {"bounding_box": ["car", "never seen"]},
        "images": [
            {
                "bounding_box": [
                    {"id": "a", "classification": "car", "attrs": [hidden], "data": [1, 2, 3, 4], "source": "model"},
                    {"id": "b", "classification": "car", "attrs": [hidden], "data": [1, 2, 3, 4], "source": "model"},
                    {"id": "c", "classification": "car", "attrs": [hidden], "data": [1, 2, 3, 4]},
                ],
                "polyline": [],
                "group": [{"id": "g", "classification": "", "attrs": [], "data": ["a", "c"]}],
            }
        ],
    }
    v1 = migrate_v2_to_v1(v2)
    v1["annotations"]["image_1"][1]["classification"]["class"] = "bus"
    del v1["annotations"]["image_1"][2], v1["annotationsData"]["image_1"][2]
    found = migrate_v1_to_v2(v1)
    expected: Any = copy.deepcopy(v2)
    media = expected["images"][0]
    media["bounding_box"][1]["classification"] = "bus"
    del media["bounding_box"][2]
    media["group"][0]["data"] = ["a"]
    expected["classification"]["bounding_box"].append("bus")
    assert found == expected


def test_a_new_attr_does_not_cost_places_by_frame() -> None:
    frames = {"9": {"x": 0, "y": 0, "width": 0, "height": 0}}
    v1 = v1_of("bounding_box", {"coordinates": frames}, "video_1")
    v2 = migrate_v1_to_v2(v1)
    v2["annotation_data"]["videos"][0]["bounding_box"][0]["attrs"].append({"name": "seen", "value": True})
    found = migrate_v2_to_v1(v2)
    assert found["annotationsData"] == v1["annotationsData"]
    assert found["annotations"]["video_1"][0]["classification"] == {"class": "car", "color": "red", "seen": True}
