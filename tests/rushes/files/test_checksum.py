import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ChecksumMismatchError, StorageError
from rushes.files.checksum import (
    calculate_checksum,
    get_checksum_from_file,
    parse_checksum,
    quarantine,
    verify,
)
from rushes.records import Download, Source
from rushes.workspace import Workspace

BODY = b"\xff\xd8\xff\xe0" + bytes(1000)
SHA256 = hashlib.sha256(BODY).hexdigest()


def arrived(workspace: Workspace, checksum: str | None = None) -> Download:
    part = workspace.incoming / "clip"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(BODY)
    digests = {"sha256": SHA256, "md5": hashlib.md5(BODY).hexdigest()}
    source = Source("clip", "http://h/clip.txt", checksum, origin="items.csv:3")
    return Download(source, "incoming/clip", len(BODY), digests, etag='"v1"', attempts=2)


@pytest.mark.parametrize("algorithm", ["md5", "sha256", "blake2b", "sha3_256"])
def test_a_file_has_the_digest_that_hashlib_gives(tmp_path: Path, algorithm: str) -> None:
    (tmp_path / "a").write_bytes(BODY)
    assert calculate_checksum(tmp_path / "a", algorithm=algorithm) == hashlib.new(algorithm, BODY).hexdigest()


def test_the_default_is_md5_and_a_prefix_goes_before_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert calculate_checksum(str(tmp_path / "a")) == "d41d8cd98f00b204e9800998ecf8427e"
    assert calculate_checksum(tmp_path / "a", "dev") == "dev-d41d8cd98f00b204e9800998ecf8427e"


def test_a_file_object_is_hashed_from_its_beginning_and_left_where_it_was() -> None:
    file = io.BytesIO(b"Hello, world!")
    file.seek(5)
    assert get_checksum_from_file(file) == hashlib.sha1(b"Hello, world!").hexdigest()
    assert get_checksum_from_file(file, hashlib.sha256) == hashlib.sha256(b"Hello, world!").hexdigest()
    assert file.tell() == 5


def test_text_counts_as_utf8() -> None:
    assert get_checksum_from_file(io.StringIO("grün")) == hashlib.sha1("grün".encode()).hexdigest()


def test_an_object_that_only_reads_is_enough() -> None:
    class Stream:
        def __init__(self) -> None:
            self.chunks = [b"a", b"b"]

        def read(self, _: int = -1) -> bytes:
            return self.chunks.pop(0) if self.chunks else b""

    assert get_checksum_from_file(Stream()) == hashlib.sha1(b"ab").hexdigest()  # type: ignore[arg-type] # a file-like


@given(st.binary(), st.sampled_from(["md5", "sha1", "sha256", "sha512"]))
def test_a_checksum_reads_the_same_bare_and_named(data: bytes, algorithm: str) -> None:
    digest = hashlib.new(algorithm, data).hexdigest()
    expected = f"{algorithm}:{digest}"
    assert parse_checksum(digest) == parse_checksum(f" {expected.upper()} ") == parse_checksum(expected) == expected


@pytest.mark.parametrize(
    "text", ["", "abc", "sha256:abc", "crc32:00000000", "g" * 64, "md5:" + "a" * 64, ":" + "a" * 64]
)
def test_what_is_no_checksum_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="expected sha256"):
        parse_checksum(text)


def test_verified_bytes_stand_in_the_store_under_their_digest(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    found = verify(arrived(workspace, f"sha256:{SHA256}"), workspace)
    assert found.path == f"media/{SHA256[:2]}/{SHA256}.jpg"
    assert workspace.path(found.path).read_bytes() == BODY
    assert (found.sha256, found.size_bytes, found.etag, found.attempts) == (SHA256, len(BODY), '"v1"', 2)
    assert list(workspace.incoming.iterdir()) == []


def test_equal_bytes_are_stored_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first = workspace.path(verify(arrived(workspace), workspace).path)
    before = first.stat().st_ino
    assert workspace.path(verify(arrived(workspace), workspace).path).stat().st_ino == before
    assert list(workspace.incoming.iterdir()) == []


def test_a_try_that_crashed_after_the_move_is_gone_through_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    download = arrived(workspace)
    assert verify(download, workspace) == verify(download, workspace)
    wrong = arrived(workspace, "md5:" + "0" * 32)
    assert quarantine(wrong, workspace) == quarantine(wrong, workspace)


def test_what_vanished_before_it_was_verified_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    download = arrived(workspace)
    workspace.path(download.path).unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        verify(download, workspace)
    with pytest.raises(StorageError, match="cannot be written"):
        quarantine(download, workspace)


def test_other_bytes_than_promised_are_refused_and_kept_apart(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    download = arrived(workspace, "md5:" + "0" * 32)
    with pytest.raises(ChecksumMismatchError) as caught:
        verify(download, workspace)
    actual = hashlib.md5(BODY).hexdigest()
    assert str(caught.value).startswith(f"http://h/clip.txt: expected md5:{'0' * 32}, got md5:{actual}.")
    assert quarantine(download, workspace) == f"quarantine/{SHA256[:2]}/{SHA256}.bin"
    assert workspace.path(f"quarantine/{SHA256[:2]}/{SHA256}.bin").read_bytes() == BODY
    assert not (tmp_path / "media").exists()
    assert list(workspace.incoming.iterdir()) == []
