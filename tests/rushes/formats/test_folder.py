from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from rushes.errors import AnnotationError
from rushes.formats.folder import class_names, distinct, inside, lines_of, read_whole, split_of


@pytest.mark.parametrize(
    ("name", "split"),
    [("train", "train"), ("Training", "train"), ("valid", "val"), ("dev", "val"), ("eval", "test"), ("trainval", None)],
)
def test_splits_are_known_by_all_their_spellings(name: str, split: str | None) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize("path", ["", "/a", "..", "a/../../b", "..\\a", "C:\\a", "C:a", "a\0", "a" * 5000])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(AnnotationError, match=r"^here: the path .*: expected one inside of the dataset") as caught:
        inside(path, "here")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("path", ["a", "a/b.jpg", "a b/ü..jpg", "...", "a\\b"])
def test_a_path_that_stays_is_taken(path: str) -> None:
    assert inside(path, "here") == path


@pytest.mark.parametrize("length", [1, 2**22])
def test_classes_without_end_are_refused_before_they_fill_the_memory(length: int) -> None:
    with pytest.raises(AnnotationError, match=r"^a\.csv: more classes than a dataset has"):
        distinct((f"{number:0{length}}" for number in count()), "a.csv")


def test_an_endless_line_and_an_endless_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_bytes(b"a\n" + b"b" * 5000)
    with pytest.raises(AnnotationError, match=r"^classes\.txt:2: a line of more than 4096 bytes"):
        class_names(tmp_path)
    with pytest.raises(AnnotationError, match=r"^classes\.txt: longer than 100 bytes"):
        read_whole(tmp_path / "classes.txt", 100)
    with pytest.raises(AnnotationError, match=r"^nowhere: cannot be read: No such file"):
        list(lines_of(tmp_path / "nowhere"))


def test_lines_are_numbered_without_a_byte_order_mark_and_blank_ones(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbfone\r\n\n two \nthree")
    assert list(lines_of(tmp_path / "a")) == [(1, "one"), (3, "two"), (4, "three")]
