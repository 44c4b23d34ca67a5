"""What every storage does, on a real server of each kind."""

from __future__ import annotations

import hashlib
import random
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from rushes.errors import BadURLError, ConfigError, StorageAccessError, StorageError
from rushes.storage import Storage, is_storage, open_storage
from tests import storages

BIG = random.Random(1).randbytes(20 << 20)


def names(storage: Storage, folder: str = "") -> list[str]:
    return sorted(entry.name for entry in storage.list(folder))


def test_what_is_put_comes_back(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(b"some bytes")
    storage.put(tmp_path / "up", "a/b c/ü.bin")
    storage.get("a/b c/ü.bin", tmp_path / "down" / "file")
    assert (tmp_path / "down" / "file").read_bytes() == b"some bytes"
    assert storage.read("a/b c/ü.bin") == b"some bytes"


def test_large_files_go_up_and_down_whole(storage: Storage, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(BIG)
    storage.put(tmp_path / "up", "big")
    body = storage.open("big")
    assert body is not None
    digest, chunks = hashlib.sha256(), 0
    for chunk in body.chunks:
        digest.update(chunk)
        chunks += 1
    assert (digest.hexdigest(), body.entry.size_bytes) == (hashlib.sha256(BIG).hexdigest(), len(BIG))
    assert chunks > 10


def test_a_file_is_created_once(storage: Storage) -> None:
    assert storage.create("lock", b"mine")
    assert not storage.create("lock", b"yours")
    assert storage.read("lock") == b"mine"


def test_a_file_is_opened_only_where_it_changed(storage: Storage) -> None:
    storage.write("file", b"old")
    body = storage.open("file")
    assert body is not None
    assert storage.open("file", body.entry.etag) is None
    storage.write("file", b"newer")
    again = storage.open("file", body.entry.etag)
    assert again is not None
    assert b"".join(again.chunks) == b"newer"


def test_a_listing_has_all_files_below_a_folder_and_no_others(storage: Storage) -> None:
    for name in ("a/1", "a/b/2", "ab/3", "4"):
        storage.write(name, name.encode())
    assert names(storage) == ["4", "a/1", "a/b/2", "ab/3"]
    assert {(entry.name, entry.size_bytes) for entry in storage.list("a")} == {("a/1", 3), ("a/b/2", 5)}
    assert names(storage, "none") == []


def test_a_listing_has_more_files_than_one_answer_holds(storage: Storage) -> None:
    if storage.url.startswith("gs"):
        pytest.skip("the emulator answers with all of them at once")
    for number in range(1005):
        storage.write(f"many/{number:04}", b"")
    assert len(names(storage, "many")) == 1005


def test_a_move_replaces_what_is_there(storage: Storage) -> None:
    storage.write("old", b"1")
    storage.write("deep/new", b"2")
    storage.move("old", "deep/new")
    assert names(storage) == ["deep/new"]
    assert storage.read("deep/new") == b"1"


def test_a_folder_takes_the_place_of_another(storage: Storage) -> None:
    for name in ("old/a", "old/gone/b", ".new/a", ".new/c/d", ".new/last"):
        storage.write(name, name.encode())
    storage.replace(".new", "old", "last")
    assert names(storage) == ["old/a", "old/c/d", "old/last"]
    assert storage.read("old/a") == b".new/a"
    storage.write(".new/e", b"")
    storage.replace(".new", "fresh", "last")
    assert names(storage, "fresh") == ["fresh/e"]


def test_what_is_deleted_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    storage.write("file", b"1")
    storage.delete("file")
    storage.delete("file")
    assert storage.read("file") is None


def test_a_missing_file_is_told_apart(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(BadURLError, match="no such"):
        storage.open("none")
    with pytest.raises(BadURLError, match="no such"):
        storage.get("none", tmp_path / "none")
    assert list(tmp_path.iterdir()) in ([], [tmp_path / ".none.part"])


def test_a_folder_that_does_not_answer_is_said_in_one_line() -> None:
    with (
        storages.environment({"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_REGION": "x"}),
        storages.environment({"AWS_SECRET_ACCESS_KEY": "hidden-key"}),
        pytest.raises(StorageError) as caught,
    ):
        open_storage("s3://bucket/folder").read("file")
    assert "s3://bucket/folder/file" in str(caught.value)
    assert "hidden-key" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_credentials_may_stand_in_a_profile(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[night]\naws_access_key_id = a\naws_secret_access_key = b\n")
    profile = {"AWS_PROFILE": "night", "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    with (
        storages.s3() as url,
        storages.environment(profile | {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}),
    ):
        storage = open_storage(f"{url}/folder")
        storage.write("file", b"1")
        assert storage.read("file") == b"1"


@pytest.mark.skipif(storages.SSHD is None, reason="OpenSSH's sshd is not installed")
class TestSSH:
    def test_an_unknown_host_is_refused(self, tmp_path: Path) -> None:
        with storages.sftp(tmp_path) as url:
            (tmp_path / "home" / ".ssh" / "known_hosts").write_text("")
            with pytest.raises(StorageError, match="known_hosts"):
                open_storage(url)

    def test_a_stranger_is_refused_and_no_password_shown(self, tmp_path: Path) -> None:
        with storages.sftp(tmp_path) as url:
            (tmp_path / "home" / ".ssh" / "id_ed25519").unlink()
            with pytest.raises(StorageAccessError) as caught:
                open_storage(url.replace("@", ":hunter2@"))
        assert "hunter2" not in str(caught.value)

    def test_a_connection_that_was_lost_is_made_anew(self, tmp_path: Path) -> None:
        with storages.sftp(tmp_path) as url:
            storage = open_storage(url)
            storage.write("file", b"1")
            found = psutil.process_iter(["cmdline"])
            servers = [one for one in found if str(tmp_path / "sshd_config") in (one.info["cmdline"] or ())]
            for session in [child for server in servers for child in server.children(recursive=True)]:
                session.kill()
            with suppress(StorageError):  # what was under way is lost
                storage.read("file")
            assert storage.read("file") == b"1"
            storage.close()

    def test_a_host_may_have_a_short_name(self, tmp_path: Path) -> None:
        with storages.sftp(tmp_path) as url:
            user, _, rest = url.removeprefix("sftp://").partition("@127.0.0.1:")
            port, _, path = rest.partition("/")
            key = (tmp_path / "home" / ".ssh" / "id_ed25519").rename(tmp_path / "key")
            (tmp_path / "home" / ".ssh" / "config").write_text(
                f"Host box\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentityFile {key}\n"
            )
            storage = open_storage(f"sftp://box/{path}")
            storage.write("file", b"1")
            storage.close()
        assert (tmp_path / "data" / "file").read_bytes() == b"1"


@pytest.mark.parametrize("url", ["s3://", "ftp://host/folder", "sftp:///folder", "gs://[", "folder"])
def test_what_is_no_storage_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="expected s3://"):
        open_storage(url)


@pytest.mark.parametrize(
    ("place", "found"),
    [("s3://b/c", True), ("SFTP://h/p", True), ("gs:c", False), ("./s3://x", False), ("https://h/p", False)],
)
def test_a_storage_is_told_by_its_scheme(place: str, found: bool) -> None:
    assert is_storage(place) is found
