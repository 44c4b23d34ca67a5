import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import rows
from rushes.errors import ConfigError
from rushes.rows import Row, read_csv, read_jsonl

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0")).filter(str.strip)


def read(content: bytes, name: str = "items.csv") -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return list(rows.FORMATS[path.suffix](path, name))


@given(
    st.lists(st.tuples(TEXT, TEXT), max_size=5),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_what_a_csv_writer_writes_is_read_back(values: list[tuple[str, str]], newline: str, bom: bytes) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=newline, quoting=csv.QUOTE_ALL)
    writer.writerows([("url", "note"), *values])
    found = read(bom + buffer.getvalue().encode())
    assert [row.cells for row in found] == [{"url": url, "note": note} for url, note in values]
    assert not any(row.error for row in found)


@given(st.lists(st.dictionaries(TEXT, TEXT | st.integers() | st.booleans() | st.lists(TEXT)), max_size=5))
def test_what_a_json_writer_writes_is_read_back(values: list[dict[str, object]]) -> None:
    found = read("".join(json.dumps(value) + "\n" for value in values).encode(), "items.jsonl")
    assert [row.cells for row in found] == values
    assert [row.line for row in found] == list(range(1, len(values) + 1))


@given(st.binary())
def test_no_bytes_break_the_reader(content: bytes) -> None:
    for start, name in ((b"url\n", "items.csv"), (b"", "items.jsonl")):
        try:
            found = read(start + content, name)
        except ConfigError:
            continue
        assert all(row.error is None or str(row.error).startswith(f"{name}:{row.line}: ") for row in found)


def test_a_row_knows_the_line_where_it_begins() -> None:
    found = read(b'url,note\na,"1\n2\n3"\n\n\nb,x\n')
    assert [(row.line, row.cells["url"]) for row in found] == [(2, "a"), (7, "b")]


def test_spaces_and_empty_columns_around_the_header_do_not_count() -> None:
    assert read(b" url , id ,,\na,b,,\n")[0].cells == {"url": "a", "id": "b"}
    assert read(b",url\nx,a\n")[0].cells == {"column_1": "x", "url": "a"}


@pytest.mark.parametrize("line", [b",,", b"  , ,", b"", b"\r"])
def test_an_empty_row_is_none(line: bytes) -> None:
    assert len(read(b"url,id,x\na,b,c\n" + line + b"\nd,e,f\n")) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a", "expected 2 cells, as in the header, found 1"),
        (b"a,b,c", "expected 2 cells, as in the header, found 3"),
        (b'"a"x,b', "not valid CSV"),
        (b"\xff\xfe,b", "url holds bytes that are not UTF-8"),
        (b"a,b\0", "note holds a NUL byte"),
        (b"a\rb,c", "not valid CSV"),
    ],
)
def test_one_bad_row_leaves_the_others(line: bytes, expected: str) -> None:
    found = read(b"url,note\n1,x\n" + line + b"\n2,y\n")
    assert [row.cells.get("url") for row in found if not row.error] == ["1", "2"]
    (bad,) = [row for row in found if row.error]
    assert bad.line == 3
    assert str(bad.error).startswith(f"items.csv:3: {expected}")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "column url, found nothing"),
        (b"id,link\n", "column url, found id, link"),
        (b"URL\n", "column url, found URL"),
        (b"url,id,id\n", "column id stands in the header twice"),
        (b'url\na\n"b\nc\nd\n', "items.csv:3: a quote is opened here and never closed"),
        (b"url,\xff\na,b\n", "items.csv:1: header holds bytes that are not UTF-8"),
        ("url\na\n".encode("utf-16"), "save it as UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_said(content: bytes, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(content)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_header_does_not_show_the_data() -> None:
    with pytest.raises(ConfigError) as caught:
        read(b"https://user:SECRET@h/a.mp4?sig=SECRET,a\n")
    assert "SECRET" not in str(caught.value)


def test_a_cell_may_be_long_and_a_line_may_not_be_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read(b"url\n" + b"a" * 1_000_000 + b"\n")[0].cells["url"]) == 1_000_000
    monkeypatch.setattr(rows, "MAX_LINE_BYTES", 100)
    with pytest.raises(ConfigError, match=r"items\.csv:2: a line of more than 100 bytes"):
        read(b"url\n" + b"a" * 101 + b"\n")


@pytest.mark.parametrize(
    "line", [b"[]", b"1", b"null", b'"x"', b"{", b"{'a': 1}", b"\xff", b"[" * 10**5, b'{"a": "\xff"}']
)
def test_a_line_that_is_no_object_leaves_the_others(line: bytes) -> None:
    found = read(b'{"url": "1"}\n' + line + b'\n\n{"url": "2", "id": null}\n', "items.jsonl")
    assert [row.cells for row in found if not row.error] == [{"url": "1"}, {"url": "2"}]
    assert [row.line for row in found] == [1, 2, 4]


def test_a_stream_is_read_as_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(b"url\na\n" + b'"never closed')
    assert next(read_csv(path, "items.csv")).cells == {"url": "a"}
    path.write_bytes(b'{"url": "a"}\n{')
    assert next(read_jsonl(path, "items.jsonl")).cells == {"url": "a"}
