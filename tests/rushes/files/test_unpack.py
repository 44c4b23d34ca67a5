"""Hostile archives: each is refused with its code, leaves nothing behind, and touches nothing outside the workspace."""

from __future__ import annotations

import bz2
import gzip
import lzma
import resource
import stat
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from rushes.config import Unpack
from rushes.errors import ArchiveError, DiskFullError, NotMediaError, RushesError
from rushes.files.checksum import verify
from rushes.files.part import save
from rushes.files.unpack import is_archive, unpack
from rushes.jsonl import read_lines
from rushes.records import Download, Member, Rejection, Source, Unpacked, Verified
from rushes.sniff import sniff
from rushes.workspace import Workspace
from tests.rushes.files.archives import (
    END,
    entry,
    header,
    padded,
    patched,
    pax,
    quoted_overlap,
    record,
    special,
    tar_of,
    zip_of,
)
from tests.rushes.runs import ended, ingest, settings

GOOD = {"a.txt": b"good", "set/b.txt": b"better"}
LIMITS = {"max_files": 50, "max_bytes": 64 * 2**20, "max_ratio": 100}
ZEROS = bytes(16 * 2**20)


def with_name(name: str) -> bytes:
    return zip_of({**GOOD, name: b"x"})


def with_nul() -> bytes:
    return patched(with_name("good.pngX.exe"), b"good.pngX", b"good.png\0")


def with_wrong_utf8() -> bytes:
    return patched(with_name("ü.txt"), "ü".encode(), b"\xff\xff")


def with_two_names() -> bytes:
    """The directory says one name, and the file itself another."""
    return patched(with_name("safe.png"), b"safe.png", b"../x.png", 1)


def with_lie(field: int, value: int) -> bytes:
    """A zip of a file whose directory entry and header state another length."""
    packed = zip_of({"a": bytes(1000) + b"\1"})
    for signature, offset in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        place = packed.index(signature) + offset + field
        packed = packed[:place] + struct.pack("<L", value) + packed[place + 4 :]
    return packed


def encrypted() -> bytes:
    packed = bytearray(zip_of(GOOD))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(signature) + offset] |= 1
    return bytes(packed)


def one_body_twice() -> bytes:
    """Two entries of a directory lead to the same bytes, as in the first zip bombs without nesting."""
    packed = zip_of([("a", b"x" * 100), ("b", b"x" * 100)], zipfile.ZIP_STORED)
    second = packed.index(b"PK\x03\x04", 1)
    place = packed.rindex(b"PK\x01\x02") + 42
    assert packed[place : place + 4] == struct.pack("<L", second)
    return patched(packed, b"b" + b"x" * 100, b"a" + b"x" * 100)[:place] + struct.pack("<L", 0) + packed[place + 4 :]


def crowded_directory() -> bytes:
    """A zip whose end says that there is one entry, before a directory of many."""
    packed = zip_of({f"{number}": b"" for number in range(2000)})
    return packed[:-14] + struct.pack("<2H", 1, 1) + packed[-10:]


def sparse() -> bytes:
    """A file of a terabyte in three blocks."""
    info = tarfile.TarInfo("big")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": f"{10**12},0"}
    info.pax_headers |= {"GNU.sparse.size": str(10**12), "GNU.sparse.name": "big"}
    return tar_of({}, info)


def gzip_with_wrong_sum() -> bytes:
    packed = bytearray(tar_of(GOOD, mode="w:gz"))
    packed[-8] ^= 0xFF
    return bytes(packed)


ZIPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "parent": (lambda: with_name("../evil"), "leads out"),
    "parent further on": (lambda: with_name("a/../../evil"), "leads out"),
    "parent at the end": (lambda: with_name("a/.."), "leads out"),
    "many parents": (lambda: with_name("../" * 30 + "etc/cron.d/evil"), "leads out"),
    "parent as a folder": (lambda: with_name("../evil/"), "leads out"),
    "absolute": (lambda: with_name("/etc/evil"), "leads out"),
    "two slashes": (lambda: with_name("//host/share/evil"), "leads out"),
    "backslashes": (lambda: with_name("..\\..\\evil"), "leads out"),
    "mixed slashes": (lambda: with_name("a\\../..\\evil"), "leads out"),
    "a root of Windows": (lambda: with_name("\\evil"), "leads out"),
    "a drive": (lambda: with_name("C:\\evil"), "has a drive"),
    "a drive without a slash": (lambda: with_name("c:evil"), "has a drive"),
    "a device path": (lambda: with_name("\\\\?\\C:\\evil"), "leads out"),
    "NUL in front": (lambda: patched(with_name("Xevil"), b"Xevil", b"\0evil"), "has no name"),
    "NUL": (with_nul, "has a NUL"),
    "no UTF-8": (with_wrong_utf8, "not a zip archive that can be unpacked"),
    "no name": (lambda: with_name("."), "has no name"),
    "endless name": (lambda: with_name("a" * 5000), "more than 4096 characters"),
    "two names of one file": (with_two_names, "differ"),
    "a name twice": (lambda: zip_of([("a", b"1"), ("a", b"2")]), "stands in it twice"),
    "a name twice, written otherwise": (lambda: zip_of([("s/a", b"1"), ("s/./a", b"2")]), "stands in it twice"),
    "a link": (lambda: zip_of([special(stat.S_IFLNK, b"/etc/passwd")]), "is a link or a device"),
    "a device": (lambda: zip_of([special(stat.S_IFBLK)]), "is a link or a device"),
    "a pipe": (lambda: zip_of([special(stat.S_IFIFO)]), "is a link or a device"),
    "encrypted": (encrypted, "is encrypted"),
    "ratio of one file": (lambda: zip_of({"a": ZEROS}), "more than 100 times its size"),
    "ratio of all files": (lambda: zip_of({f"{n}": bytes(2**20) for n in range(12)}), "more than 100 times its size"),
    "too many files": (lambda: zip_of({f"{number}": b"x" for number in range(51)}), "at most 50"),
    "too many bytes": (lambda: zip_of({f"{n}": bytes(2**20) for n in range(65)}, 0), "at most"),
    "one body twice": (one_body_twice, "overlap"),
    "quoted headers": (lambda: quoted_overlap(40), "overlap"),
    "a crowded directory": (crowded_directory, "at most 50"),
    "less than stated": (lambda: with_lie(4, 5000), "is 1001 bytes, not 5000"),
    "more than stated": (lambda: with_lie(4, 10), "Bad CRC"),
    "packed beyond the end": (lambda: with_lie(0, 10**9), "overlap"),
    "an unusual method": (lambda: zip_of(GOOD, zipfile.ZIP_LZMA), "packed by method 14"),
    "cut off": (lambda: zip_of(GOOD)[:-30], "not a zip archive"),
    "damaged": (lambda: patched(zip_of({"a": b"AAAA"}, 0), b"AAAA", b"ABAA"), "Bad CRC"),
    "empty": (lambda: zip_of({}), "without a single file"),
    "folders only": (lambda: zip_of({"a/": b""}), "without a single file"),
    "leftovers only": (lambda: zip_of({"__MACOSX/._a.png": b"x", ".DS_Store": b"x"}), "without a single file"),
}

TARS: dict[str, tuple[Callable[[], bytes], str]] = {
    "tar parent": (lambda: tar_of({**GOOD, "../evil": b"x"}), "leads out"),
    "tar parent as a folder": (lambda: tar_of(GOOD, entry("../evil", tarfile.DIRTYPE)), "leads out"),
    "tar absolute": (lambda: tar_of({**GOOD, "/etc/evil": b"x"}), "leads out"),
    "tar backslashes": (lambda: tar_of({**GOOD, "..\\evil": b"x"}), "leads out"),
    "tar link out": (lambda: tar_of(GOOD, entry("l", tarfile.SYMTYPE, "../../etc/passwd")), "link that leads out"),
    "tar link to the root": (lambda: tar_of(GOOD, entry("l", tarfile.SYMTYPE, "/etc/passwd")), "link that leads out"),
    "tar link through a folder": (
        lambda: tar_of(GOOD, entry("a/b/l", tarfile.SYMTYPE, "c/../../../..")),
        "link that leads out",
    ),
    "tar hard link out": (lambda: tar_of(GOOD, entry("l", tarfile.LNKTYPE, "../secret")), "link that leads out"),
    "tar hard link to the root": (lambda: tar_of(GOOD, entry("l", tarfile.LNKTYPE, "/etc/passwd")), "leads out"),
    "tar device": (lambda: tar_of(GOOD, entry("null", tarfile.CHRTYPE)), "is a device"),
    "tar block device": (lambda: tar_of(GOOD, entry("sda", tarfile.BLKTYPE)), "is a device"),
    "tar pipe": (lambda: tar_of(GOOD, entry("pipe", tarfile.FIFOTYPE)), "is a device"),
    "tar of an unknown kind": (lambda: tar_of(GOOD, entry("odd", b"V")), "is a device"),
    "tar name twice": (lambda: tar_of({"a": b"1", "./a": b"2"}), "stands in it twice"),
    "tar NUL": (lambda: pax(record("path", "a\0b")) + header("a", 0) + END, "has a NUL"),
    "tar name in no UTF-8": (lambda: tar_of({"a\udcff": b""}, how=tarfile.GNU_FORMAT), "not in UTF-8"),
    "tar sparse": (sparse, "is a sparse file"),
    "tar gz ratio": (lambda: tar_of({"a": ZEROS}, mode="w:gz"), "more than 100 times its size"),
    "tar bz2 ratio": (lambda: tar_of({"a": ZEROS}, mode="w:bz2"), "more than 100 times its size"),
    "tar xz ratio": (lambda: tar_of({"a": ZEROS}, mode="w:xz"), "more than 100 times its size"),
    "tar gz zeros behind the end": (lambda: gzip.compress(tar_of(GOOD) + ZEROS), "more than 100 times its size"),
    "tar gz ratio of left-out files": (lambda: tar_of({"._a": ZEROS}, mode="w:gz"), "more than 100 times its size"),
    "tar too many files": (lambda: tar_of({f"{number}": b"" for number in range(51)}), "at most 50"),
    "tar too many folders": (lambda: tar_of(GOOD, *[entry("d", tarfile.DIRTYPE)] * 50), "at most 50"),
    "tar too many bytes": (lambda: tar_of({f"{n}": bytes(2**20) for n in range(49)} | {"b": ZEROS}), "max_bytes"),
    "tar length beyond the end": (lambda: header("a", 10**9) + padded(b"x") + END, "cut off"),
    "tar length below zero": (
        lambda: header("b", 512) + bytes(512) + header("a", 0, raw_size=b"\xff" * 10 + b"\xfc\x00") + END,
        "below zero|points back|not a tar",
    ),
    "tar pax length below zero": (
        lambda: pax(record("size", "-1536")) + header("a", 0) + END,
        "below zero|points back|not a tar",
    ),
    "tar header that never ends": (lambda: header("pax", 2**33, tarfile.XHDTYPE) + bytes(4096), "which no archive has"),
    "tar name that never ends": (lambda: header("n", 2**40, tarfile.GNUTYPE_LONGNAME) + END, "which no archive has"),
    "tar global headers without end": (
        lambda: pax(record("comment", "x" * 60_000), tarfile.XGLTYPE) * 10 + header("a", 0) + END,
        "which no archive has",
    ),
    "tar headers of headers": (
        lambda: pax(record("a", "b")) * 2000 + header("a", 0) + END,
        "which no archive has|not a tar",
    ),
    "tar number of many digits": (lambda: pax(b"1" * 200_000) + header("a", 0) + END, "thousand digits"),
    "tar sparse map without end": (
        lambda: (
            pax(record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"))
            + header("a", 2**30)
            + padded(b"999999999\n" + b"0\n" * 500_000)
            + END
        ),
        "which no archive has",
    ),
    "tar damaged in the middle": (
        lambda: tar_of({"a": b"x"})[:1024] + b"\1" * 512 + tar_of({"b": b"y"}),
        "before its end mark",
    ),
    "tar cut off": (lambda: tar_of({"a": b"x" * 2000})[:1500], "cut off"),
    "tar cut off between files": (lambda: tar_of({"a": bytes(512)}, how=tarfile.USTAR_FORMAT)[:1024], "end mark"),
    "tar gz cut off": (lambda: tar_of({"a": bytes(range(256)) * 99}, mode="w:gz")[:-20], "damaged"),
    "tar gz with a wrong sum": (gzip_with_wrong_sum, "damaged"),
    "tar xz cut off": (lambda: tar_of(GOOD, mode="w:xz")[:-20], "damaged"),
    "tar of nothing but links": (lambda: tar_of({}, entry("l", tarfile.SYMTYPE, "a")), "without a single file"),
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "sub").mkdir()
    return Workspace(tmp_path / "sub" / "work")


def tree(folder: Path, without: str = "\0") -> dict[str, bytes | None]:
    """Returns everything below a folder; content of files, None for folders."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    kept = {name: path for name, path in found.items() if not name.startswith(without)}
    return {name: path.read_bytes() if path.is_file() else None for name, path in kept.items()}


@pytest.mark.parametrize("case", [*ZIPS, *TARS])
def test_a_hostile_archive_is_refused_and_leaves_nothing(workspace: Workspace, tmp_path: Path, case: str) -> None:
    make, said = (ZIPS | TARS)[case]
    content = make()
    (tmp_path / "sub" / "pack").write_bytes(content)
    config = settings(workspace, [{"id": "bad", "url": "pack"}], download={"unpack": LIMITS})
    outside = tree(tmp_path, without="sub/work")
    outcome = ended(config, workspace, ingest(config, workspace))["bad"]
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.status, outcome.stage) == ("archive", "quarantined", "unpack"), outcome.message
    with pytest.raises(ArchiveError, match=said):
        raise ArchiveError(outcome.message)
    assert outcome.message.startswith("bad: ")
    assert tree(tmp_path, without="sub/work") == outside
    assert [path.read_bytes() for path in workspace.path("media").rglob("*") if path.is_file()] == [content]
    assert list(workspace.incoming.iterdir()) == []
    assert not workspace.path("unpacked").exists()


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
