"""Files are settled in groups, in an order that a power cut cannot turn into a lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rushes.errors import StorageError
from rushes.files.settle import settle, settle_all


def moves(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Writes part files, and says where they are to go: three folders that do not exist yet."""
    (folder / "incoming").mkdir()
    made = []
    for number in range(count):
        part = folder / "incoming" / str(number)
        part.write_bytes(b"%d" % number)
        made.append((part, folder / "media" / str(number % 3) / f"{number}.jpg"))
    return made


def test_every_file_stands_in_its_place(tmp_path: Path) -> None:
    wanted = moves(tmp_path, 40)
    assert settle_all(wanted) == [None] * 40
    assert [target.read_bytes() for _, target in wanted] == [b"%d" % number for number in range(40)]
    assert list((tmp_path / "incoming").iterdir()) == []


def test_bytes_are_synced_before_they_have_a_name_and_names_before_anybody_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[tuple[str, Path]] = []
    fsync, replace = os.fsync, Path.replace

    def synced(handle: int) -> None:
        fsync(handle)
        happened.append(("sync", Path(f"/proc/self/fd/{handle}").readlink()))

    def renamed(part: Path, target: Path) -> Path:
        found = replace(part, target)
        happened.append(("rename", target))
        return found

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    wanted = moves(tmp_path, 30)
    settle_all(wanted)
    for part, target in wanted:
        named = happened.index(("rename", target))
        assert happened.index(("sync", part)) < named
        assert happened.index(("sync", target.parent)) > named
    assert happened.index(("sync", tmp_path / "media")) > happened.index(("rename", wanted[0][1]))
    assert len(happened) == 30 + 30 + 3 + 1  # each file synced and renamed once, each folder synced once


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    (first, target), (second, _) = moves(tmp_path, 2)
    assert settle_all([(first, target), (second, target)]) == [None, None]
    assert target.read_bytes() == b"0"
    assert not second.exists()


def test_a_file_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    part, target = moves(tmp_path, 1)[0]
    target.parent.mkdir(parents=True)
    target.touch()
    assert settle_all([(part, target)]) == [None]
    assert target.read_bytes() == b"0"


def test_what_was_settled_before_is_settled(tmp_path: Path) -> None:
    wanted = moves(tmp_path, 2)
    assert settle_all(wanted) == settle_all(wanted) == [None, None]


def test_one_that_cannot_be_moved_stops_no_other(tmp_path: Path) -> None:
    wanted = moves(tmp_path, 6)
    wanted[2][0].unlink()
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "1").write_bytes(b"a file where a folder should be")
    failed = settle_all(wanted)
    assert [error is not None for error in failed] == [False, True, True, False, True, False]
    assert isinstance(failed[2], FileNotFoundError)
    assert wanted[1][0].exists()
    with pytest.raises(StorageError, match="cannot be written"):
        settle(*wanted[4])


def test_nothing_is_settled_at_once() -> None:
    assert settle_all([]) == []
