import io
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import ArchiveError
from rushes.files.archive import archive, unarchive

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def packed(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES.filter(lambda name: name not in (".", "..")), st.binary(max_size=100), max_size=5))
def test_what_goes_in_comes_out(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "set" / "sub").mkdir(parents=True)
        for file, content in files.items():
            (folder / "set" / "sub" / file).write_bytes(content)
        archive(folder / "set", folder / "set.zip")
        unarchive(folder / "set.zip", folder / "out")
        assert tree(folder / "out") == {f"set/sub/{file}": content for file, content in files.items()}


def test_one_file_and_later_another(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    archive(str(tmp_path / "a.txt"), str(tmp_path / "new" / "x.zip"))
    archive(tmp_path / "b.txt", tmp_path / "new" / "x.zip", append=True)
    unarchive(str(tmp_path / "new" / "x.zip"), str(tmp_path / "out"))
    assert tree(tmp_path / "out") == {"a.txt": b"a.txt", "b.txt": b"b.txt"}
    assert tree(tmp_path / "new").keys() == {"x.zip"}


def test_an_archive_inside_its_own_folder_does_not_hold_itself(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a").write_bytes(b"a")
    for _ in range(2):
        archive(tmp_path / "set", tmp_path / "set" / "all.zip")
    assert zipfile.ZipFile(tmp_path / "set" / "all.zip").namelist() == ["set/a"]


def test_links_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "set" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "set" / "a").write_bytes(b"a")
    archive(tmp_path / "set", tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        assert file.namelist() == ["set/a"]


def test_there_is_something_to_archive(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        archive(tmp_path / "missing", tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "a/.."])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    path = packed(tmp_path / "x.zip", ("good", b"good"), (name, b"x"))
    with pytest.raises(ArchiveError, match="leads out of the folder; nothing was unpacked"):
        unarchive(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_links_and_devices_do_not_come_out(tmp_path: Path, kind: int) -> None:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (kind | 0o777) << 16
    with pytest.raises(ArchiveError, match="is a link or a device"):
        unarchive(packed(tmp_path / "x.zip", (entry, b"/etc/passwd")), tmp_path / "out")


def test_a_name_stands_in_an_archive_once(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        path = packed(tmp_path / "x.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(ArchiveError, match="'a' stands in it twice"):
        unarchive(path, tmp_path / "out")


def test_a_bomb_does_not_go_off(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("bomb", b"\0" * 11 * 2**20))
    with pytest.raises(ArchiveError, match="more than 200 times its size"):
        unarchive(path, tmp_path / "out")
    unarchive(path, tmp_path / "out", max_ratio=2000)


def test_long_names_and_empty_folders_come_out(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("./", b""), ("empty/", b""), ("a" * 255, b"1"))
    unarchive(path, tmp_path / "out")
    assert tree(tmp_path / "out") == {"a" * 255: b"1"}
    assert (tmp_path / "out" / "empty").is_dir()


def test_limits_count_files_and_bytes(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.zip", ("a", b"1234"), ("b", b"1234"))
    with pytest.raises(ArchiveError, match="2 entries"):
        unarchive(path, tmp_path / "out", max_files=1)
    with pytest.raises(ArchiveError, match="8 bytes unpacked"):
        unarchive(path, tmp_path / "out", max_bytes=7)


def test_an_encrypted_archive_is_said(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "x.zip", ("a", b"1234")).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    with pytest.raises(ArchiveError, match="is encrypted"):
        unarchive(tmp_path / "x.zip", tmp_path / "out")


@pytest.mark.parametrize("keep", [0, 10, 60])
def test_a_damaged_archive_is_said(tmp_path: Path, keep: int) -> None:
    data = packed(tmp_path / "x.zip", ("a", bytes(1000))).read_bytes()
    (tmp_path / "x.zip").write_bytes(data[:keep])
    with pytest.raises(ArchiveError, match="not a zip archive"):
        unarchive(tmp_path / "x.zip", tmp_path / "out")


def test_a_damaged_entry_leaves_no_file(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a", b"A" * 1000)
    (tmp_path / "x.zip").write_bytes(buffer.getvalue().replace(b"AAAA", b"ABAA", 1))
    with pytest.raises(ArchiveError, match="Bad CRC"):
        unarchive(tmp_path / "x.zip", tmp_path / "out")
    assert tree(tmp_path / "out") == {}
