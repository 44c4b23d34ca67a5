from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rushes.errors import AnnotationError, ConfigError
from rushes.formats import class_folders, imagefolder
from rushes.formats.dataset import Labelled
from rushes.formats.imagefolder_read import read
from rushes.labels import Annotation
from tests.rushes.formats.items import CLASSES, any_item


def write(folder: Path, items: Sequence[Labelled], *, timed: bool = False) -> list[dict[str, Any]]:
    """Writes items of one split; returns their lines."""
    columns = imagefolder.Columns()
    found = [(imagefolder.render(item, CLASSES, timed=timed)[0], item) for item in items]
    for one, item in found:
        columns.add(one, more=imagefolder.says_more(item, timed=timed))
    lines = [columns.line(one) for one, _ in found]
    (folder / "train").mkdir(parents=True, exist_ok=True)
    (folder / "train/metadata.jsonl").write_bytes(b"".join(lines))
    (folder / "classes.txt").write_text("".join(f"{name}\n" for name in CLASSES), encoding="utf-8")
    return [json.loads(line) for line in lines]


def foreign(folder: Path, *lines: object) -> Path:
    (folder / "train").mkdir(exist_ok=True)
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    (folder / "train/metadata.jsonl").write_text(text, encoding="utf-8")
    return folder


@settings(max_examples=50)
@given(any_item(), any_item(), st.booleans())
def test_what_was_read_is_read_again_after_it_was_written(first: Labelled, second: Labelled, timed: bool) -> None:
    items = [replace(first, path="a.jpg"), replace(second, path="ü b.jpg")]
    with tempfile.TemporaryDirectory() as name:
        write(Path(name) / "1", items, timed=timed)
        once = list(read(Path(name) / "1").items)
        write(Path(name) / "2", [replace(item, path=Path(item.path).name) for item in once], timed=timed)
        assert list(read(Path(name) / "2").items) == once
    for item, found in zip(items, once, strict=True):
        assert (found.label, found.annotations) == (item.label, item.annotations)
        assert found.path == f"train/{item.path}"
        assert found.split == "train"


def test_boxes_are_written_as_the_guide_to_object_detection_has_them(tmp_path: Path) -> None:
    boxes = (Annotation("a/b & <c>", box=(1, 2, 3, 4)), Annotation("car", box=(5, 6, 7, 8.5)))
    items = [
        Labelled("a", "a.jpg", annotations=boxes, attributes={"text": "two", "n": 1}),
        Labelled("b", "b.jpg", attributes={"text": "none", "n": 1.5}),
        Labelled("c", "c.jpg", labelled=False),
    ]
    assert write(tmp_path, items) == [
        {
            "file_name": "a.jpg",
            "objects": {"bbox": [[1, 2, 3, 4], [5, 6, 7, 8.5]], "categories": [1, 0]},
            "n": 1.0,
            "text": "two",
        },
        {"file_name": "b.jpg", "objects": {"bbox": [], "categories": []}, "n": 1.5, "text": "none"},
        {"file_name": "c.jpg", "objects": None, "n": None, "text": None},
    ]
    assert [item.labelled for item in read(tmp_path).items] == [True, True, False]


def test_every_line_has_the_same_columns_of_one_type(tmp_path: Path) -> None:
    items = [
        Labelled("a", "a.jpg", label="car", attributes={"x": 1, "y": [1]}),
        Labelled("b", "b.jpg", annotations=(Annotation("car", polyline=((0, 0), (1, 1))),), attributes={"x": "1"}),
        Labelled("c", "c.jpg", labelled=False, attributes={"y": {"a": None}, "z": True}),
    ]
    lines = write(tmp_path, items)
    assert len({tuple(line) for line in lines}) == 1
    for column in ("annotations", "x", "y"):
        assert {type(line[column]) for line in lines} <= {str, type(None)}
    assert [line["x"] for line in lines] == ["1", "1", None]
    assert [line["annotations"] == "" for line in lines] == [False, False, True]


def test_names_that_mean_something_to_datasets_are_left_out_and_counted() -> None:
    item = Labelled("a", "a.jpg", attributes={"image": 1, "mask_file_name": "m.png", "label": "x", "fine": 2})
    found, reasons = imagefolder.render(item, CLASSES)
    assert found["fine"] == 2
    assert "mask_file_name" not in found
    assert reasons == {"column_reserved": 3}


def test_a_metadata_csv_and_classes_by_name_are_read(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test/metadata.csv").write_text("file_name,label,text\ncat/a.png,cat,A cat\nb.png,dog,\n")
    a, b = read(tmp_path).items
    file = "test/cat/a.png"
    assert a == Labelled(file, file, label="cat", labelled=False, split="test", attributes={"text": "A cat"})
    assert (b.label, b.attributes) == ("dog", {})
    assert [category.name for category in read(tmp_path).categories] == ["cat", "dog"]


@pytest.mark.parametrize(
    ("key", "one", "name"), [("categories", 2, "2"), ("category", "cat", "cat"), ("label", 0, "0")]
)
def test_objects_of_other_writers_are_read(tmp_path: Path, key: str, one: object, name: str) -> None:
    foreign(tmp_path, {"file_name": "a.png", "objects": {"bbox": [[1, 2, 3, 4]], key: [one], "area": [12]}})
    (item,) = read(tmp_path).items
    assert item.annotations == (Annotation(name, box=(1, 2, 3, 4)),)


def test_without_metadata_folders_say_split_and_class(tmp_path: Path) -> None:
    for name in ("train/cat/b.JPG", "train/cat/a.png", "valid/dog/c.png", "valid/d.png", "train/cat/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    for found in (read(tmp_path), class_folders.read(tmp_path)):
        assert [category.name for category in found.categories] == ["cat", "dog"]
        assert [(item.path, item.split, item.label) for item in found.items] == [
            ("train/cat/a.png", "train", "cat"),
            ("train/cat/b.JPG", "train", "cat"),
            ("valid/d.png", "val", None),
            ("valid/dog/c.png", "val", "dog"),
        ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "train/metadata.jsonl:2: not valid JSON"),
        ("[" * 100_000, "train/metadata.jsonl:2: not valid JSON"),
        ("5", "expected an object with the key file_name"),
        ({"file_name": 5}, "train/metadata.jsonl:2: file_name = 5"),
        ({"image": "a"}, "train/metadata.jsonl:2: file_name = None"),
        ({"file_name": "../../a"}, "train/metadata.jsonl:2: the path '../../a'"),
        ({"file_name": "fine.jpg"}, "has a line already"),
        ({"file_name": "a", "label": 1.5}, "train/metadata.jsonl:2: 1.5: expected a class"),
        ({"file_name": "a", "label": 10**9}, "without gaps"),
        ({"file_name": "a", "objects": 5}, "train/metadata.jsonl:2: objects = 5: expected bbox and categories"),
        ({"file_name": "a", "objects": "{"}, "train/metadata.jsonl:2: objects = '{': not valid JSON"),
        ({"file_name": "a", "objects": {"bbox": [[1, 2, 3, 4]], "categories": []}}, "lists of one length"),
        ({"file_name": "a", "objects": {"bbox": [[1, 2, 3]], "categories": [0]}}, "box = [1, 2, 3]"),
        ({"file_name": "a", "objects": {"bbox": [[1, 2, 3, 4]], "categories": [None]}}, "the class of each box"),
        ({"file_name": "a", "objects": {"bbox": [[1, 2, 3, 4]], "categories": ["a\nb"]}}, "expected a class"),
        ({"file_name": "a", "annotations": "[{}]"}, "train/metadata.jsonl:2: annotations[0]"),
    ],
)
def test_a_line_that_is_none_is_named_with_its_place(tmp_path: Path, line: object, said: str) -> None:
    foreign(tmp_path, {"file_name": "fine.jpg"}, line)
    with pytest.raises(AnnotationError) as caught:
        list(read(tmp_path).items)
    assert said in str(caught.value)
    assert "metadata.jsonl:2" in str(caught.value) or "10" in said or "gaps" in said
    assert len(str(caught.value)) < 500


def test_a_class_number_beyond_the_list_is_refused(tmp_path: Path) -> None:
    foreign(tmp_path, {"file_name": "a", "objects": {"bbox": [[1, 2, 3, 4]], "categories": [2]}})
    (tmp_path / "classes.txt").write_text("car\nbus\n")
    with pytest.raises(AnnotationError, match=r"^train/metadata.jsonl:1: class number 2; expected 0 to 1"):
        list(read(tmp_path).items)
    (tmp_path / "classes.txt").write_text("car\ncar\n")
    with pytest.raises(AnnotationError, match=r"^classes.txt:2: 'car' stands there twice"):
        read(tmp_path)


@given(st.binary(max_size=80) | st.text('file_nam"bojects:{}[]0,', max_size=80).map(str.encode))
def test_no_bytes_bring_anything_but_our_errors(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(AnnotationError, ConfigError):
        (Path(name) / "metadata.jsonl").write_bytes(b'{"file_name": "a", "label": ' + content + b"\n" + content)
        list(read(Path(name)).items)


def test_a_folder_without_media_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ConfigError, match="expected"):
            read(path)
