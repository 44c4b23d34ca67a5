"""The small ones: chunks, data URLs, settings files, temporary paths, and what the package exports."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rushes.files
from rushes.files import (
    convert_file_to_base64,
    get_dict_from_file,
    get_temp_path,
    read_file_in_chunks,
)


@pytest.mark.parametrize(("size", "lengths"), [(0, []), (4, [4]), (9, [4, 4, 1])])
def test_a_file_is_read_in_pieces(tmp_path: Path, size: int, lengths: list[int]) -> None:
    (tmp_path / "a").write_bytes(bytes(range(size)))
    chunks = list(read_file_in_chunks(tmp_path / "a", chunk_size=4))
    assert [len(chunk) for chunk in chunks] == lengths
    assert b"".join(chunks) == bytes(range(size))


def test_a_piece_is_50_mib_unless_told_otherwise(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(52_428_801)
    assert [len(chunk) for chunk in read_file_in_chunks(str(tmp_path / "a"))] == [52_428_800, 1]


def test_pieces_have_a_size_and_files_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="chunk_size = 0"):
        list(read_file_in_chunks(tmp_path, 0))
    with pytest.raises(FileNotFoundError):
        list(read_file_in_chunks(tmp_path / "missing"))


@given(content=st.binary(max_size=200))
def test_a_data_url_holds_the_file(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("data") / "a.jpg"
    path.write_bytes(content)
    head, _, tail = convert_file_to_base64(str(path)).partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(tail, validate=True) == content


def test_a_data_url_stays_one_and_an_unknown_type_has_a_name(tmp_path: Path) -> None:
    assert convert_file_to_base64("data:text/plain;base64,YQ==") == "data:text/plain;base64,YQ=="
    (tmp_path / "a.nothing-known").write_bytes(b"a")
    assert convert_file_to_base64(tmp_path / "a.nothing-known") == "data:application/octet-stream;base64,YQ=="


@pytest.mark.parametrize(
    ("name", "text"), [("a.json", '{"a": [1]}'), ("a.yaml", "a: [1]"), ("a.YML", "a:\n- 1"), ("a", '\ufeff{"a": [1]}')]
)
def test_settings_are_read_by_their_suffix(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert get_dict_from_file(str(tmp_path / name)) == {"a": [1]}


def test_settings_that_are_not_json_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("a: 1")
    with pytest.raises(json.JSONDecodeError):
        get_dict_from_file(tmp_path / "a.json")


def test_temporary_paths_have_one_parent() -> None:
    assert get_temp_path("sub/a.tmp") == get_temp_path() / "sub" / "a.tmp"
    assert get_temp_path().is_absolute()


def test_every_public_name_is_there() -> None:
    assert sorted(rushes.files.__all__) == rushes.files.__all__
    assert all(callable(getattr(rushes.files, name)) for name in rushes.files.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        rushes.files.nothing  # noqa: B018 - reading it is the test


def test_importing_the_package_brings_no_network() -> None:
    code = "import sys, rushes.files; print([m for m in ('requests', 'pydantic', 'yaml') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
