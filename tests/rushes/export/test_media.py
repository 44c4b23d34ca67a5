from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rushes.errors import StorageError
from rushes.export.media import MediaMode, place


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "store" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"picture")
    return path


@pytest.mark.parametrize("mode", ["auto", "copy", "link"])
def test_the_file_arrives_and_nothing_else(stored: Path, tmp_path: Path, mode: MediaMode) -> None:
    target = tmp_path / "dataset" / "a.jpg"
    target.parent.mkdir()
    for _ in range(2):
        place(stored, target, mode)
        assert target.read_bytes() == b"picture"
        assert [path.name for path in target.parent.iterdir()] == ["a.jpg"]


def test_a_copy_is_a_file_of_its_own(stored: Path, tmp_path: Path) -> None:
    place(stored, tmp_path / "copy.jpg", "copy")
    (tmp_path / "copy.jpg").write_bytes(b"painted over")
    assert stored.read_bytes() == b"picture"


def test_a_link_is_the_stored_file_and_cannot_be_written_to(stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "link.jpg"
    place(stored, target, "link")
    assert target.samefile(stored)
    assert not stat.S_IMODE(stored.stat().st_mode) & 0o222


def test_what_is_placed_by_itself_never_shares_a_writable_file(stored: Path, tmp_path: Path) -> None:
    target = tmp_path / "auto.jpg"
    place(stored, target, "auto")
    assert not target.samefile(stored) or not stat.S_IMODE(target.stat().st_mode) & 0o222


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_across_file_systems_auto_copies_and_link_says_what_to_do(stored: Path, tmp_path: Path) -> None:
    target = Path("/dev/shm") / f"rushes-test-{os.getpid()}.jpg"
    if target.parent.stat().st_dev == stored.stat().st_dev:
        pytest.skip("only one file system")
    try:
        place(stored, target, "auto")
        assert target.read_bytes() == b"picture"
        with pytest.raises(StorageError, match=r"export\.media: auto"):
            place(stored, target, "link")
    finally:
        target.unlink(missing_ok=True)


def test_a_missing_file_is_not_taken_for_a_disk_without_links(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        place(tmp_path / "gone.jpg", tmp_path / "a.jpg", "auto")
    assert list(tmp_path.iterdir()) == []
