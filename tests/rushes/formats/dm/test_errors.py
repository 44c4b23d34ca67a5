from __future__ import annotations

import math
from typing import Any

import pytest

from rushes.errors import AnnotationError
from rushes.formats.dm import load, migrate_v1_to_v2, migrate_v2_to_v1, version_of
from tests.rushes.formats.dm.test_tools import v1_of

Json = dict[str, Any]

BOX = {"coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
MASK = {"pixel_indices": [1, 2], "isCompressed": False, "compressionFormat": None}
RUNS = {"pixel_indices": [[1, 2]], "isCompressed": True, "compressionFormat": "rle"}


@pytest.mark.parametrize(
    ("tool", "item", "said"),
    [
        ("bounding_box", {}, "annotationsData.image_1[0]: no coordinate"),
        ("bounding_box", {"coordinate": [1, 2, 3, 4]}, "annotationsData.image_1[0].coordinate: [1, 2, 3, 4]"),
        ("bounding_box", {"coordinate": {"x": 1, "y": 2, "width": "3", "height": 4}}, "coordinate.width: "),
        ("bounding_box", {"coordinate": {"x": 1, "y": 2, "width": True, "height": 4}}, "got `bool`"),
        ("bounding_box", {"coordinate": {"x": math.nan, "y": 2, "width": 3, "height": 4}}, "expected a finite number"),
        ("bounding_box", {"coordinate": {"x": 1e300, "y": 2, "width": 3, "height": 4}}, "coordinate.x: "),
        ("bounding_box", {"coordinate": {"x": 10**400, "y": 2, "width": 3, "height": 4}}, "64 bits"),
        ("bounding_box", {"coordinates": {"first": BOX["coordinate"]}}, "key 'first': expected the number of a frame"),
        ("bounding_box", {"coordinates": {"1": {"x": 1}}}, "annotationsData.image_1[0].coordinates.1: "),
        ("polygon", {"coordinate": [{"x": 1, "y": 2}, {"x": 1}]}, "annotationsData.image_1[0].coordinate[1]: "),
        ("keypoint", {"coordinate": None}, "no coordinate"),
        ("segmentation", {}, "neither pixel_indices nor a section"),
        ("segmentation", MASK | {"pixel_indices": [1, -2]}, "annotationsData.image_1[0].pixel_indices[1]: "),
        ("segmentation", MASK | {"pixel_indices": [12]}, "pixel 12: expected pixels of an image of 4x3"),
        ("segmentation", MASK | {"pixel_indices": [5, 5]}, "the same pixel twice"),
        ("segmentation", MASK | {"isCompressed": True}, "they contradict"),
        ("segmentation", MASK | {"compressionFormat": "rle"}, "they contradict"),
        ("segmentation", RUNS | {"pixel_indices": [[1, 2], [2, 1]]}, "the same pixel twice"),
        ("segmentation", RUNS | {"pixel_indices": [[11, 2]]}, "pixel 12"),
        ("segmentation", RUNS | {"pixel_indices": [[1, 0]]}, "a run of no pixels"),
        ("segmentation", RUNS | {"pixel_indices": [5]}, "pixel_indices[0]: "),
        ("segmentation", {"section": {"startFrame": 0.5, "endFrame": 2}}, "section.startFrame: "),
        ("segmentation", {"section": {"start": 0}}, "section: "),
        ("3d_bounding_box", {"psr": {"position": {"x": 1, "y": 1, "z": 1}}}, "psr: "),
        ("3d_segmentation", {"points": [1, "2"]}, "points[1]: "),
        ("relation", {"annotationId": "one", "targetAnnotationId": "two"}, "'two' is no annotation of this document"),
        ("relation", {"annotationId": "one"}, "targetAnnotationId"),
        ("named_entity", {"ranges": "0-4", "content": "Rome"}, "ranges: "),
        ("prompt", {"input": 5}, "input: "),
        ("answer", {"output": [5]}, "output[0]: "),
        ("time_range", {"section": {"start": 0.5, "end": 1}}, "section.start: "),
    ],
)
def test_data_that_is_not_its_tool_s_is_named_with_file_and_place(tool: str, item: Json, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        migrate_v1_to_v2(v1_of(tool, item), "a.json")
    assert str(caught.value).startswith("a.json: ")
    assert said in str(caught.value)


def _changed(**keys: object) -> Json:
    return v1_of("bounding_box", BOX) | keys


ONE = {"id": "one", "tool": "bounding_box"}
DATA = {"id": "one", **BOX}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "expected a DM document"),
        ({}, "annotations: "),
        ({"annotations": {}}, "annotationsData: "),
        (_changed(annotations=[]), "annotations: "),
        (_changed(annotations={"image_1": {}}), "annotations"),
        (_changed(annotations={"picture_1": []}), "media 'picture_1': expected image, video"),
        (_changed(annotations={"image_1": [ONE], "image_x": []}), "media 'image_x'"),
        (_changed(annotations={"image_1": [{"tool": "bounding_box"}]}), "annotations.image_1[0]: "),
        (_changed(annotations={"image_1": [ONE | {"id": 5}]}), "annotations.image_1[0].id: 5"),
        (_changed(annotations={"image_1": [ONE | {"classification": "car"}]}), "annotations.image_1[0].classification"),
        (_changed(annotations={"image_1": [ONE | {"classification": {"class": 5}}]}), "classification.class: 5"),
        (_changed(annotations={"image_1": [ONE, ONE]}), "annotations.image_1[1].id: 'one' stands there twice"),
        (
            _changed(annotationsData={"image_1": [DATA, DATA]}),
            "annotationsData.image_1[1].id: 'one' stands there twice",
        ),
        (_changed(annotationsData={"image_1": []}), "no item with the id 'one'"),
        (_changed(annotationsData={"image_1": [DATA, {"id": "two"}]}), "[1].id: 'two' is no annotation of this media"),
        (_changed(annotationsData={"image_1": [DATA], "image_2": [DATA]}), "annotationsData.image_2[0].id: 'one'"),
        (_changed(extra={"image_1": {"width": 0, "height": 4}}), "extra.image_1.width: 0"),
        (_changed(extra={"image_1": {"width": 4}}), "extra.image_1.height: None"),
        (_changed(relations={"image_1": [{"annotationId": "one", "targetAnnotationId": "x"}]}), "'x' is no annotation"),
        (_changed(annotationGroups={"image_1": [{"id": "g", "annotationIds": ["x"]}]}), "member 'x' is no annotation"),
        (_changed(annotationGroups={"image_2": [{"id": "g", "annotationIds": ["one"]}]}), "member 'one'"),
        (_changed(annotationGroups={"image_1": [{"id": "g", "annotationIds": ["one", "one"]}]}), "once"),
        (
            _changed(annotationGroups={"image_1": [{"id": n, "annotationIds": ["one"]} for n in "gh"]}),
            "annotationGroups.image_1[1]: member 'one' is in group 'g' already",
        ),
        (_changed(annotationGroups={"image_1": [{"id": "g"}, {"id": "g"}]}), "'g' stands there twice"),
        (
            _changed(annotationGroups={"image_1": [{"id": "g", "annotationList": [{"children": []}]}]}),
            "annotationGroups.image_1[0].annotationList[0]: ",
        ),
        (_changed(note={"\ud800": 1}), "expected text that is Unicode"),
        (_changed(note=[1.5, math.inf]), "note[1]: inf: expected a finite number"),
        (_changed(note={1: 2}), "note: key 1"),
        (_changed(note=(1, 2)), "note: (1, 2): expected a JSON value"),
        (_changed(_rushes={"by": "somebody else"}), "_rushes: "),
    ],
)
def test_a_v1_that_is_none_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        migrate_v1_to_v2(document, "a.json")
    assert str(caught.value).startswith("a.json: ")
    assert said in str(caught.value)


def _images(*annotations: Json, tool: str = "bounding_box", **meta: object) -> Json:
    found: Json = {"annotation_data": {"images": [{tool: list(annotations)}]}}
    return found | ({"annotation_meta": meta} if meta else {})


SIZE = {"image_1": {"width": 4, "height": 3}}
TWO = {"id": "two", "classification": "car", "attrs": [], "data": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"annotation_data": []}, "annotation_data: "),
        ({"annotation_data": {"images": {}}}, "annotation_data.images: "),
        ({"annotation_data": {"images": [[]]}}, "annotation_data.images[0]: "),
        ({"annotation_data": {"photos": [{"polygon": []}]}}, "annotation_data.photos: unknown type of media"),
        ({"annotation_data": {"classification": ["car"]}}, "annotation_data.classification: "),
        (_images(TWO, TWO), "annotation_data.images[0].bounding_box[1].id: 'two' stands there twice"),
        (_images(TWO | {"id": ""}), "bounding_box[0].id: "),
        (_images({"id": "two"}), "annotation_data.images[0].bounding_box[0]: "),
        (_images(TWO | {"data": [1, 2, 3]}), "annotation_data.images[0].bounding_box[0].data: "),
        (_images(TWO | {"classification": ["car"]}), "bounding_box[0].classification: "),
        (_images(TWO | {"attrs": {"name": "x"}}), "bounding_box[0].attrs: "),
        (_images(TWO | {"attrs": [{"name": "x"}]}), "bounding_box[0].attrs[0]: "),
        (_images(TWO | {"data": [1, 2], "visibility": 3}, tool="keypoint"), "visibility: "),
        (_images(TWO | {"data": ["two", "three"]}, tool="relation"), "'three' is no annotation of this document"),
        (_images(TWO | {"data": [["two"]]}, tool="group"), "group[0].data[0]: "),
        (_images(TWO | {"data": [1], "encoding": "png"}, tool="segmentation"), "encoding: 'png'"),
        (_images(TWO | {"data": [1], "encoding": "dm_rle", "isCompressed": False}, tool="segmentation"), "contradict"),
        (
            _images(TWO | {"data": [99]}, tool="segmentation", annotations={"image_1": [{"id": "two"}]}, extra=SIZE),
            "pixel 99",
        ),
        (_images(TWO, annotations=[]), "annotation_meta.annotations: "),
        (_images(TWO, relations={"image_1": [{"id": 5}]}), "annotation_meta: relations.image_1[0]: "),
        ({"annotation_data": {}, "annotation_meta": 5}, "annotation_meta: 5"),
    ],
)
def test_a_v2_that_is_none_is_refused_with_its_place(document: Any, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        migrate_v2_to_v1(document, "a.json")
    assert str(caught.value).startswith("a.json: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "not valid JSON"),
        (b'{"annotations": ', "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": 1e999}', "not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
        (b'{"a": ' + b"9" * 30 + b"}", "a: "),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "nested deeper than 100 levels"),
        (b"[]", "expected a DM document"),
    ],
)
def test_a_text_that_is_no_document_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(AnnotationError) as caught:
        load(text, "a.json")
    assert str(caught.value).startswith("a.json: ")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 800


def test_pixels_of_an_image_of_unknown_size_are_refused_and_the_place_to_say_it_named() -> None:
    document = v1_of("segmentation", MASK) | {"extra": {}}
    with pytest.raises(AnnotationError, match=r"expected width and height in a.json: extra.image_1"):
        migrate_v1_to_v2(document, "a.json")


@pytest.mark.parametrize("document", [{}, {"annotations": {}}, {"images": {}}, {"classification": {}}, {"a": []}])
def test_a_document_of_neither_version_is_told(document: Json) -> None:
    with pytest.raises(AnnotationError, match=r"^a.json: no DM document"):
        version_of(document, "a.json")


def test_a_number_of_many_digits_in_a_media_id_is_a_number() -> None:
    names = [f"image_{'9' * 5000}", "image_007", "image_2"]
    document: Json = {"annotations": {name: [] for name in names}, "annotationsData": {}}
    assert migrate_v2_to_v1(migrate_v1_to_v2(document)) == document
