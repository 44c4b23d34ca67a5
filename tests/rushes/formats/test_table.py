from __future__ import annotations

import contextlib
import csv
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import AnnotationError, ConfigError
from rushes.formats.dataset import Labelled
from rushes.formats.table import HEADER, read, render
from rushes.labels import Annotation
from tests.rushes.formats.items import any_item


def written(folder: Path, items: list[Labelled]) -> Path:
    path = folder / "labels.csv"
    path.write_text(HEADER + "".join(render(item)[0] for item in items), encoding="utf-8", newline="")
    return path


@settings(max_examples=50)
@given(any_item("media/a.jpg"), any_item('media/ü, "b".mp4'))
def test_what_was_written_is_read_without_a_loss(first: Labelled, second: Labelled) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = read(written(Path(folder), [first, second]))
        assert list(found.items) == [first, second]
        used = [item.label for item in (first, second)] + [a.label for i in (first, second) for a in i.annotations]
        assert {category.name for category in found.categories} == set(filter(None, used))
        assert not render(first)[1]


def test_a_row_is_a_label_under_a_header_that_people_can_read(tmp_path: Path) -> None:
    labels = (Annotation("car", box=(1, 2.5, 3, 4), difficult=True), Annotation("=1+1", polyline=((0, 0), (1, 1))))
    path = written(tmp_path, [Labelled("a", "media/a.jpg", 64, 48, labels), Labelled("b", "media/b.jpg")])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file_name"] for row in rows] == ["media/a.jpg", "media/a.jpg", "media/b.jpg"]
    assert [rows[0][column] for column in ("class", "x", "y", "width", "height", "difficult")] == [
        *("car", "1", "2.5", "3", "4", "true")
    ]
    assert rows[1]["polyline"] == "[[0,0],[1,1]]"
    assert (rows[2]["class"], rows[2]["labelled"]) == ("", "true")


def test_a_short_table_is_enough_and_classes_txt_gives_the_order(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(
        "file_name,class,x,y,width,height,split\na.jpg,bus,1,2,3,4,val\na.jpg,car,,,,,\nb.jpg,,,,,,\n"
    )
    (tmp_path / "classes.txt").write_text("car\nbus\n")
    found = read(tmp_path)
    assert [category.name for category in found.categories] == ["car", "bus"]
    a, b = found.items
    assert a == Labelled(
        "a.jpg", "a.jpg", annotations=(Annotation("bus", box=(1, 2, 3, 4)), Annotation("car")), split="val"
    )
    assert b == Labelled("b.jpg", "b.jpg", labelled=False)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a.jpg,car,1,2,3,,,", "labels.csv:2: x, y, width alone are no box"),
        ("a.jpg,car,one,2,3,4,,", "labels.csv:2: x = 'one': expected a number"),
        ("a.jpg,car,nan,2,3,4,,", "labels.csv:2: annotations[0].box"),
        ("a.jpg,car,1_0,2,3,4,,", "labels.csv:2: annotations[0].box"),
        ("a.jpg,car,1,2,-3,4,,", "at least 0"),
        ("a.jpg,car,1,2,3,4,1.5,", "labels.csv:2: frame = '1.5': expected a whole number"),
        ("a.jpg,car,1,2,3,4,,maybe", "labels.csv:2: crowd = 'maybe': expected true or false"),
        ("../a.jpg,car,1,2,3,4,,", "labels.csv:2: the path '../a.jpg'"),
        ("/a.jpg,car,1,2,3,4,,", "labels.csv:2: the path '/a.jpg'"),
        (",car,1,2,3,4,,", "labels.csv:2: file_name is empty"),
        ("a.jpg,car", "labels.csv:2: expected 8 cells"),
        ("a.jpg,car\x00,1,2,3,4,,", "labels.csv:2: class holds a NUL byte"),
        ("a.jpg,car,1,2,3,4,,\nb.jpg,,,,,,,\na.jpg,,,,,,,", "labels.csv:4: rows of 'a.jpg' stand apart"),
    ],
)
def test_a_row_that_is_none_is_named_with_line_column_and_value(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f"file_name,class,x,y,width,height,frame,crowd\n{row}\n")
    with pytest.raises(AnnotationError) as caught:
        list(read(path).items)
    assert said in str(caught.value)


@pytest.mark.parametrize(("column", "cell"), [("polygon", "[[0,0"), ("mask", "[" * 100_000), ("attributes", "5")])
def test_cells_of_json_are_checked_like_a_source_file(tmp_path: Path, column: str, cell: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(f'file_name,class,{column}\na.jpg,car,"{cell}"\n')
    with pytest.raises(AnnotationError, match=rf"^labels.csv:2: .*{column} = ") as caught:
        list(read(path).items)
    assert len(str(caught.value)) < 500


@given(st.binary(max_size=80) | st.text('a",\n=[]{}:0.', max_size=80).map(str.encode))
def test_no_bytes_bring_anything_but_our_errors(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(AnnotationError, ConfigError):
        path = Path(folder) / "labels.csv"
        path.write_bytes(b"file_name,class,x,polygon,attributes\na.jpg,car," + content)
        list(read(path).items)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("url,label\n")
    for path, said in ((tmp_path, "found none"), (tmp_path / "other.csv", "a column file_name")):
        with pytest.raises(ConfigError, match=said):
            read(path)
