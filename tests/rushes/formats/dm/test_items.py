from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

from rushes.formats.dataset import Labelled
from rushes.formats.dm import Version, dump, migrate_v1_to_v2, migrate_v2_to_v1, read, render
from rushes.jsonl import encode
from rushes.labels import Annotation
from tests.rushes.formats.dm.documents import HEIGHT, WIDTH, v1_documents, v2_documents
from tests.rushes.formats.items import CLASSES, any_item

Json = dict[str, Any]
PICTURE = io.BytesIO()
Image.new("L", (WIDTH, HEIGHT)).save(PICTURE, "png")
VERSIONS: tuple[Version, ...] = ("v1", "v2")


def folder_of(folder: Path, *documents: Json, suffix: str = ".png") -> Path:
    """Writes documents, and the same picture for each of them."""
    for number, document in enumerate(documents):
        for name, content in (
            (f"json/{number}.json", dump(document)),
            (f"original_files/{number}{suffix}", PICTURE.getvalue()),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    return folder


def read_back(*documents: Json, suffix: str = ".png") -> list[Labelled]:
    """Returns the items of a folder of these documents."""
    with tempfile.TemporaryDirectory() as name:
        return list(read(folder_of(Path(name), *documents, suffix=suffix)).items)


@settings(max_examples=40)
@given(any_item("a.png"), st.sampled_from(VERSIONS))
def test_what_was_read_is_read_again_after_it_was_written(item: Labelled, version: Version) -> None:
    item = replace(item, width=item.width or 50, height=item.height or 40)
    with tempfile.TemporaryDirectory() as name:
        found = read(folder_of(Path(name) / "1", render(item, version)[0]))
        names = {category.name: category.keypoints for category in found.categories if category.keypoints}
        [once] = found.items
        [again] = read(folder_of(Path(name) / "2", render(once, version, names)[0])).items
    assert again == once


@settings(max_examples=40)
@given(v1_documents(("image",)))
def test_a_v1_that_was_read_is_written_as_it_was(document: Json) -> None:
    [item] = read_back(document)
    assert encode(render(item, "v1")[0]) == encode(document)
    assert encode(render(item, "v2")[0]) == encode(migrate_v1_to_v2(document))


@settings(max_examples=40)
@given(v2_documents().filter(lambda document: "images" in document.get("annotation_data", document)))
def test_a_v2_that_was_read_is_written_as_it_was(document: Json) -> None:
    [item] = read_back(document)
    assert encode(render(item, "v2")[0]) == encode(document)
    assert encode(render(item, "v1")[0]) == encode(migrate_v2_to_v1(document))


def whole(label: str, **said: Any) -> Json:
    """Returns a document of a box, the class of the image as a whole, and another box."""
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    ids = {"a": "bounding_box", "whole": "classification", "b": "bounding_box"}
    listed: list[Json] = [{"id": each, "tool": tool, "classification": {"class": "car"}} for each, tool in ids.items()]
    listed[1] |= {"isLocked": True, "classification": {"class": label, **said}}
    return {
        "annotations": {"image_4": listed},
        "annotationsData": {
            "image_4": [{"id": "a", "coordinate": box}, {"id": "whole"}, {"id": "b", "coordinate": box}]
        },
        "extra": {"image_4": {"width": WIDTH, "height": HEIGHT}},
    }


def test_a_classification_is_the_class_of_the_item_and_goes_back_to_where_it_stood() -> None:
    for document in (whole("street"), migrate_v1_to_v2(whole("street"))):
        [item] = read_back(document)
        assert (item.label, [label.id for label in item.annotations]) == ("street", ["a", "b"])
        assert encode(render(item, "v1")[0]) == encode(whole("street"))
        assert encode(render(item, "v2")[0]) == encode(migrate_v1_to_v2(whole("street")))


def test_another_class_as_a_whole_is_the_same_annotation() -> None:
    [item] = read_back(whole("street"))
    changed = render(replace(item, label="road"), "v1")[0]
    assert changed["annotations"] == whole("road")["annotations"]
    gone = render(replace(item, label=None), "v1")[0]
    assert [each["id"] for each in gone["annotations"]["image_4"]] == ["a", "b"]


def test_a_classification_that_says_more_than_a_class_or_is_one_of_several_stays_a_label() -> None:
    several = whole("street")
    several["annotations"]["image_4"].append({"id": "c", "tool": "classification", "classification": {"class": "wet"}})
    for document, count in ((whole("street", surface="wet"), 3), (whole("street", occluded=True), 3), (several, 4)):
        [item] = read_back(document)
        assert (item.label, len(item.annotations)) == (None, count)
        assert encode(render(item, "v1")[0]) == encode(document)


@settings(max_examples=40)
@given(any_item("a.png"), st.sampled_from(CLASSES), st.sampled_from(VERSIONS))
def test_the_class_of_an_item_is_written_and_read(item: Labelled, label: str, version: Version) -> None:
    placed = tuple(
        each for each in item.annotations if (each.box or each.polygon) and not (each.relation or each.spans)
    )
    item = replace(item, width=item.width or 50, height=item.height or 40, annotations=placed, label=label)
    [once] = read_back(render(item, version)[0])
    assert (once.label, len(once.annotations)) == (label, len(placed))
    document = render(once, version)[0]
    assert read_back(document) == [once]
    changed = replace(once, label=None, annotations=(*once.annotations, Annotation("other")))
    assert read_back(render(changed, version)[0])[0].label == "other"
