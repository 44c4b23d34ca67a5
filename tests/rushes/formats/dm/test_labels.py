from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from msgspec.structs import replace
from pycocotools import mask as coco_api

from rushes.errors import AnnotationError, ConfigError
from rushes.formats.dataset import Labelled
from rushes.formats.dm import dump, read, render, set_aside
from rushes.formats.masks import pixels
from rushes.jsonl import encode
from rushes.labels import Annotation
from tests.rushes.formats.dm.documents import HEIGHT, WIDTH, broken, v1_documents, v2_documents
from tests.rushes.formats.dm.test_items import folder_of, read_back
from tests.rushes.formats.strategies import masks

Json = dict[str, Any]
RING, HOLE = ((0.0, 0.0), (6.0, 0.0), (6.0, 5.0)), ((4.0, 1.0), (5.0, 1.0), (5.0, 2.0))


def v2_of(**tools: list[Json]) -> Json:
    """Returns a bare V2 of one image."""
    return {"images": [tools]}


def entry(identity: str, data: object, label: str = "car", **more: object) -> Json:
    return {"id": identity, "classification": label, "attrs": [], "data": data, **more}


@given(masks(9))
def test_pixels_are_those_of_the_coco_api(mask: Any) -> None:
    # DM counts row by row, COCO column by column; the judge of what a mask is, is COCO's own code.
    height, width = mask.size
    item = Labelled("a", "a.png", width, height, annotations=(Annotation("car", mask=mask, id="m"),))
    document, _ = render(item, "v2")
    [written] = document["annotation_data"]["images"][0]["segmentation"]
    flat = np.zeros(height * width, bool)
    for start, length in written["data"]:
        flat[start : start + length] = True
    encoded = coco_api.encode(np.asfortranarray(flat.reshape(height, width), np.uint8))
    assert encoded["counts"].decode() == mask.counts
    [back] = read_back(document)
    assert back.annotations == item.annotations


@pytest.mark.parametrize(
    "written",
    [
        {"data": [9, 1], "encoding": "raw_indices", "isCompressed": False, "compressionFormat": None},
        {"data": [[9, 1], [1, 1]], "encoding": "dm_rle", "isCompressed": True, "compressionFormat": "rle"},
    ],
)
def test_raw_indices_and_runs_are_counted_row_by_row(written: Json) -> None:
    [item] = read_back(v2_of(segmentation=[entry("m", None) | written]))
    [label] = item.annotations
    assert label.mask is not None
    assert np.argwhere(pixels(label.mask)).tolist() == [[0, 1], [1, 1]]
    assert (item.width, item.height) == (WIDTH, HEIGHT), "as the picture has it: the document does not say"


def test_keypoints_of_a_group_are_one_label_with_its_box() -> None:
    points = [entry(name, [x, 1], name, visibility=v, group_id="g") for name, x, v in (("nose", 1, 2), ("tail", 2, 0))]
    document = {
        "annotations": {
            "image_1": [
                {"id": "b", "tool": "bounding_box", "classification": {"class": "dog"}},
                *({"id": p["id"], "tool": "keypoint", "classification": {"class": p["id"]}} for p in points),
                {"id": "loose", "tool": "keypoint", "classification": {"class": "ball", "visibility": "occluded"}},
            ]
        },
        "annotationsData": {
            "image_1": [
                {"id": "b", "coordinate": {"x": 0, "y": 0, "width": 5, "height": 5}},
                *({"id": p["id"], "coordinate": {"x": p["data"][0], "y": 1}} for p in points),
                {"id": "loose", "coordinate": {"x": 3, "y": 4}},
            ]
        },
        "annotationGroups": {"image_1": [{"id": "g", "annotationIds": ["tail", "b", "nose"]}]},
    }
    document["annotations"]["image_1"][2]["classification"]["visibility"] = 0
    [item] = read_back(document)
    assert item.annotations == (
        Annotation("dog", box=(0, 0, 5, 5), keypoints=((1, 1, 2), (2, 1, 0)), id="b"),
        Annotation("ball", keypoints=((3, 4, 1),), id="loose"),
    )
    assert encode(render(item, "v1")[0]) == encode(document)


def test_a_class_has_the_names_of_its_keypoints_in_their_order_and_missing_ones_are_not_labelled(
    tmp_path: Path,
) -> None:
    def person(*names: str) -> Json:
        return v2_of(keypoint=[entry(name, [1, 2], name, group_id="g") for name in names])

    found = read(folder_of(tmp_path, person("nose", "left_eye"), person("left_eye", "right_eye")))
    assert [(category.name, category.keypoints) for category in found.categories] == [
        ("person", ("nose", "left_eye", "right_eye"))
    ]
    assert [[visibility for *_, visibility in item.annotations[0].keypoints or ()] for item in found.items] == [
        [2, 2, 0],
        [0, 2, 2],
    ]


def test_what_the_model_has_no_words_for_is_counted_and_stays_in_dm() -> None:
    solid = {side: {"x": 1, "y": 1, "z": 1} for side in ("position", "scale", "rotation")}
    document = v2_of(
        **{
            "3d_bounding_box": [entry("a", solid)],
            "prompt": [entry("b", {"input": []}, label="")],
            "time_range": [entry("c", {"start": 1, "end": 2})],
            "segmentation": [entry("d", {"startFrame": 1, "endFrame": 2})],
            "bounding_box": [entry("e", [1, 2, 3, 4], label=""), entry("f", [1, 2, 3, 4])],
            "polygon": [entry("g", [[1, 2]])],
            "group": [entry("h", ["e", "f"])],
        }
    )
    [item] = read_back(document)
    assert [label.id for label in item.annotations] == ["f"]
    rest, unsaid = set_aside(item.attributes)
    assert rest == {}
    assert unsaid == {
        "solid_unsupported": 1,
        "prompt_unsupported": 1,
        "section_unsupported": 2,
        "class_missing": 1,
        "empty_label": 1,
        "group_unsupported": 1,
    }
    assert encode(render(item, "v2")[0]) == encode(document)


def test_labels_that_changed_are_written_anew_and_all_else_stays() -> None:
    document = v2_of(
        bounding_box=[
            entry("kept", [1, 2, 3, 4], source="model"),
            entry("moved", [1, 2, 3, 4], source="model", attrs=[{"name": "_score", "value": 0.5}]),
            entry("dropped", [1, 2, 3, 4]),
        ],
        prompt=[entry("ask", {"input": []})],
        relation=[entry("r", ["kept", "dropped"], "beside")],
    )
    [item] = read_back(document)
    kept, moved, _, relation = item.annotations
    changed = replace(item, annotations=(kept, replace(moved, box=(5, 6, 7, 8)), relation), width=20, height=20)
    found, reasons = render(changed, "v2")
    [media] = found["annotation_data"]["images"]
    assert media["bounding_box"][0] == document["images"][0]["bounding_box"][0]
    assert media["bounding_box"][1]["data"] == [5, 6, 7, 8]
    assert media["bounding_box"][1]["source"] == "model"
    assert {"name": "_score", "value": 0.5} in media["bounding_box"][1]["attrs"]
    assert [each["id"] for each in media["bounding_box"]] == ["kept", "moved"]
    assert media["prompt"] == document["images"][0]["prompt"]
    assert media["relation"] == []
    assert found["annotation_meta"]["extra"] == {"image_1": {"width": 20, "height": 20}}
    assert not reasons


@pytest.mark.parametrize(
    ("label", "tool", "reason"),
    [
        (Annotation("a", parts=((RING, HOLE),)), "segmentation", "holes_as_mask"),
        (Annotation("a", box=(0, 0, 1, 1), polygon=((0, 0), (6, 0), (6, 5))), "polygon", "box_beside_outline"),
        (Annotation("a", box=(0, 0, 1, 1), polyline=((0, 0), (6, 0))), "bounding_box", "polyline_unsupported"),
        (Annotation("a", spans=((0, 2, "ab"), (3, 4, "c"))), "named_entity", "words_joined"),
        (Annotation("a", relation=("x", "y")), None, "relation_unsupported"),
    ],
)
def test_what_dm_cannot_say_is_counted(label: Annotation, tool: str | None, reason: str) -> None:
    document, reasons = render(Labelled("i", "i.png", WIDTH, HEIGHT, annotations=(label,)), "v2")
    [media] = document["annotation_data"]["images"]
    assert [name for name, listed in media.items() if listed] == ([tool] if tool else [])
    assert reasons == {reason: 1}


def test_a_folder_of_splits_is_read_and_files_without_documents_are_unlabelled(tmp_path: Path) -> None:
    for split in ("train", "valid", "test"):
        folder_of(tmp_path / split, v2_of(bounding_box=[entry("a", [1, 2, 3, 4])]))
    (tmp_path / "test/original_files/more.jpg").write_bytes(b"")
    found = [(item.id, item.split, item.path, item.labelled) for item in read(tmp_path).items]
    assert found == [
        ("test/original_files/0.png", "test", "test/original_files/0.png", True),
        ("more", "test", "test/original_files/more.jpg", False),
        ("train/original_files/0.png", "train", "train/original_files/0.png", True),
        ("valid/original_files/0.png", "val", "valid/original_files/0.png", True),
    ]
    [one] = read(tmp_path / "train/json/0.json").items
    assert one.path == "original_files/0.png"


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="found none"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="expected a folder"):
        read(tmp_path / "nothing")


@settings(max_examples=40)
@given(broken((v1_documents(("image",)) | v2_documents()).filter(bool)))
def test_a_broken_document_is_refused_with_its_name_or_read(document: Json) -> None:
    try:
        dump(document)
        items = read_back(document)
    except (UnicodeEncodeError, OverflowError):
        return  # not JSON at all
    except AnnotationError as error:
        items, said = [], str(error)
    else:
        said = "json/0.json: "
    assert said.startswith("json/0.json: ")
    for item in items:
        render(item, "v1")
        render(item, "v2")


def test_attributes_of_an_item_and_a_hostile_document_that_it_carries(tmp_path: Path) -> None:
    item = Labelled("i", "i.png", WIDTH, HEIGHT, attributes={"night": True, "_dm": {"document": {}, "media": "../x"}})
    [back] = read_back(render(item, "v1")[0])
    assert back.attributes == {"night": True}
    broken_one = replace(item, attributes={"_dm": {"document": {"annotations": 5}, "media": ""}})
    with pytest.raises(AnnotationError, match=r"^i: no DM document"):
        render(broken_one, "v1")
