"""What comes out of archives, and what does not; `test_hostile_archives.py` has those that nobody should unpack."""

from __future__ import annotations

import bz2
import gzip
import lzma
import resource
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rushes.config import Unpack
from rushes.errors import ArchiveError, DiskFullError, NotMediaError, RushesError
from rushes.files.checksum import verify
from rushes.files.unpack import is_archive, unpack
from rushes.jsonl import read_lines
from rushes.records import Download, Member, Source, Unpacked, Verified
from rushes.sniff import sniff
from rushes.transfer.part import save
from rushes.workspace import Workspace
from tests.hostile_archives import GOOD, LIMITS, with_name
from tests.rushes.files.archives import (
    END,
    entry,
    header,
    padded,
    pax,
    record,
    tar_of,
    tree,
    zip_of,
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "sub").mkdir()
    return Workspace(tmp_path / "sub" / "work")


def brought(workspace: Workspace, content: bytes) -> Verified:
    """Brings bytes into the store."""
    _, digests = save([content], workspace.incoming / "part", ["sha256"], 2**40, "here")
    return verify(Download(Source("a", "file:///a"), "incoming/part", len(content), digests), workspace)


def unpacked(workspace: Workspace, content: bytes) -> tuple[Unpacked, dict[str, bytes]]:
    """Unpacks an archive, and returns what came out of it by name."""
    found = unpack(brought(workspace, content), workspace, Unpack(**LIMITS))
    listed = list(read_lines(workspace.path(found.path), Member))
    assert found.members == len(listed)
    return found, {member.name: workspace.path(member.path).read_bytes() for member in listed}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("how", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_went_into_a_tar_comes_out(workspace: Workspace, mode: str, how: int) -> None:
    files = GOOD | {
        "./c": bytes(1536),
        "d" * 90 + "/" + "e" * 90: b"long",
        "한국.txt": b"",
        "s/g": bytes(range(256)) * 9,
    }
    found, content = unpacked(workspace, tar_of(files, entry("dir", tarfile.DIRTYPE), mode=mode, how=how))
    assert content == {name.removeprefix("./"): data for name, data in files.items()}
    assert found.unpacked_bytes == sum(map(len, files.values()))
    assert (found.left_out, list(workspace.incoming.iterdir())) == ({}, [])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_what_went_into_a_zip_comes_out(workspace: Workspace, method: int) -> None:
    files = GOOD | {"한국.txt": b"", "c": bytes(3 * 2**20), "a\\b": b"a letter here", "A.txt": b"in capitals"}
    _, content = unpacked(workspace, zip_of(files | {"dir/": b""}, method))
    assert content == files


def test_members_stand_in_the_store_once_and_under_no_name_of_their_own(workspace: Workspace) -> None:
    found, _ = unpacked(workspace, zip_of({"a": b"same", "b.exe": b"same", "c/a": b"same"}))
    stored = [path.name for path in workspace.path("media").rglob("*") if path.is_file()]
    assert len(stored) == 2
    again, _ = unpacked(workspace, tar_of({"z": b"same"}))
    assert {member.path for member in read_lines(workspace.path(found.path), Member)} == {
        member.path for member in read_lines(workspace.path(again.path), Member)
    }


def test_links_that_stay_inside_and_what_systems_leave_behind_are_left_out_and_counted(workspace: Workspace) -> None:
    files = GOOD | {
        "__MACOSX/a": b"x",
        "s/._b.txt": b"x",
        "s/.DS_Store": b"x",
        "Thumbs.db": b"x",
        "s/desktop.ini": b"x",
    }
    links = entry("s/l", tarfile.SYMTYPE, "../a.txt"), entry("h", tarfile.LNKTYPE, "set/b.txt")
    found, content = unpacked(workspace, tar_of(files, *links))
    assert content == GOOD
    assert found.left_out == {"link": 2, "system_file": 5}


@pytest.mark.parametrize("name", ["[Content_Types].xml", "META-INF/MANIFEST.MF", "AndroidManifest.xml"])
def test_documents_and_programs_are_no_archives(workspace: Workspace, name: str) -> None:
    with pytest.raises(NotMediaError, match="found a document or a program"):
        unpacked(workspace, zip_of(GOOD | {name: b"x"}))
    assert not workspace.path("unpacked").exists()


def test_a_type_in_front_makes_a_document_and_elsewhere_it_is_a_file(workspace: Workspace) -> None:
    with pytest.raises(NotMediaError, match="an entry mimetype"):
        unpacked(workspace, zip_of({"mimetype": b"application/epub+zip"} | GOOD, zipfile.ZIP_STORED))
    assert unpacked(workspace, zip_of(GOOD | {"mimetype": b"x"}))[1].keys() == {*GOOD, "mimetype"}


def test_archives_may_be_left_as_they_are(workspace: Workspace) -> None:
    with pytest.raises(NotMediaError, match=r"download\.unpack is null"):
        unpack(brought(workspace, zip_of(GOOD)), workspace, None)


@pytest.mark.parametrize("mode", ["", "gz", "bz2", "xz"])
def test_a_tar_is_known_by_its_content_and_other_compressed_files_are_none(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "x.jpg"
    path.write_bytes(tar_of({"GIF89a": b"x"}, mode=f"w:{mode}"))
    assert (sniff(path).kind, sniff(path).suffix) == ("archive", f".tar.{mode}".rstrip("."))
    path.write_bytes(tar_of({}, mode=f"w:{mode}"))
    assert sniff(path).kind is None


def test_an_old_tar_without_a_magic_number_is_one_too(workspace: Workspace) -> None:
    block = bytearray(header("BM1234", 1))
    block[257:265] = bytes(8)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    assert unpacked(workspace, bytes(block) + padded(b"x") + END)[1] == {"BM1234": b"x"}


def test_a_stream_that_asks_for_gigabytes_of_memory_does_not_get_them(tmp_path: Path) -> None:
    packed = bytearray(tar_of(GOOD, mode="w:xz"))
    at = packed.index(b"\x21\x01", 12)  # the filter, and the length of its properties; the dictionary's size follows
    packed[at + 2] = 40  # 4 GiB
    end = 12 + (packed[12] + 1) * 4 - 4
    packed[end : end + 4] = struct.pack("<L", zlib.crc32(packed[12:end]))
    (tmp_path / "x").write_bytes(packed)
    assert (sniff(tmp_path / "x").kind, sniff(tmp_path / "x").media_type) == (None, "application/x-xz")


def test_streams_one_after_the_other_are_one_file(workspace: Workspace) -> None:
    whole = tar_of(GOOD)
    for pack in (gzip.compress, bz2.compress, lzma.compress):
        assert unpacked(workspace, pack(whole[:700]) + pack(whole[700:]))[1] == GOOD


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data(), base=st.sampled_from(["zip", "tar", "gz"]))
def test_damage_anywhere_ends_in_members_or_in_a_refusal(workspace: Workspace, data: st.DataObject, base: str) -> None:
    made = {"zip": zip_of(GOOD), "tar": tar_of(GOOD), "gz": tar_of(GOOD, mode="w:gz")}[base]
    content = bytearray(made)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    verified, refused = brought(workspace, bytes(content)), list[str]()
    if is_archive(verified):
        try:
            unpack(verified, workspace, Unpack(**LIMITS))
        except RushesError as error:
            refused.append(error.code)
    assert set(refused) <= {"archive", "not_media"}
    assert list(workspace.incoming.iterdir()) == []


@pytest.mark.parametrize("how", ["v7", "oldgnu", "gnu", "ustar", "pax"])
@pytest.mark.parametrize("packed", [[], ["--gzip"]])
def test_what_the_tar_of_the_system_packs_comes_out(
    workspace: Workspace, tmp_path: Path, how: str, packed: list[str]
) -> None:
    (tmp_path / "in" / "set").mkdir(parents=True)
    for name, data in GOOD.items():
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "in" / "set" / "link").symlink_to("b.txt")
    subprocess.run(["tar", f"--format={how}", *packed, "-cf", tmp_path / "x", "-C", tmp_path / "in", "."], check=True)
    found, content = unpacked(workspace, (tmp_path / "x").read_bytes())
    assert (content, found.left_out) == (GOOD, {"link": 1})


def test_headers_that_are_for_the_whole_archive_are_no_files(workspace: Workspace) -> None:
    told = pax(record("comment", "a commit, as git has it"), tarfile.XGLTYPE)
    assert unpacked(workspace, told + tar_of(GOOD))[1] == GOOD


def test_a_disk_without_room_leaves_nothing_behind(workspace: Workspace) -> None:
    verified = brought(workspace, tar_of({"small": b"x", "large": bytes(2 * 2**20)}, mode="w:gz"))
    before = tree(workspace.root)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))  # what a full disk and a spent quota look like, too
    try:
        with pytest.raises(DiskFullError, match="Free some space"):
            unpack(verified, workspace, Unpack(**LIMITS))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert tree(workspace.root) == before


def test_a_message_shows_the_beginning_of_a_long_name(workspace: Workspace) -> None:
    with pytest.raises(ArchiveError) as refused:
        unpacked(workspace, with_name("a" * 60_000))
    assert len(str(refused.value)) < 400


def test_reading_takes_no_more_memory_for_a_larger_file(workspace: Workspace) -> None:
    verified = brought(workspace, tar_of({f"{number}": bytes(8 * 2**20) for number in range(4)}))
    tracemalloc.start()
    unpack(verified, workspace, Unpack(max_bytes=2**30))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 6 * 2**20


def test_no_byte_is_written_where_the_names_say(workspace: Workspace, tmp_path: Path) -> None:
    before = tree(tmp_path)
    unpacked(workspace, zip_of({"a/b/c.txt": b"x"}))
    after = tree(tmp_path)
    assert all(name.startswith("sub/work") for name in after.keys() - before.keys())
    assert not any("c.txt" in name for name in after)
