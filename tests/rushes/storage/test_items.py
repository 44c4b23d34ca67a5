"""Items, and lists of items, that lie in a storage."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest

from rushes.config import DownloadConfig
from rushes.errors import (
    BadURLError,
    ConfigError,
    ForbiddenHostError,
    RushesError,
    TooLargeError,
)
from rushes.files.download import download_file, fetch
from rushes.preview.forecast import forecast
from rushes.records import Download, Rejection, Source
from rushes.sources import read_sources
from rushes.storage import Storage
from rushes.transfer.guard import guarded_session
from rushes.workspace import Workspace
from tests import storages
from tests.rushes.runs import ended, ingest, png, run, settings

BODY = random.Random(3).randbytes(3 << 20)


def address(storage: Storage, place: str, name: str) -> str:
    """Returns the URL of a file as a row would have it."""
    return f"{place}/{Path(storage.url).name}/{name}"


def get(url: str, root: Path, etag: str | None = None, **more: Any) -> Download | None:
    config = DownloadConfig.model_validate({"allow_private_hosts": ["127.0.0.1"], "attempts": 1} | more)
    with guarded_session(config) as session:
        return fetch(Source("a", url), root, "incoming/a", config, session, etag)


def test_an_item_arrives_hashed_and_is_asked_for_again_by_its_tag(storage: Storage, place: str, tmp_path: Path) -> None:
    storage.write("clips/a b.mp4", BODY)
    url = address(storage, place, "clips/a%20b.mp4")
    first = get(url, tmp_path)
    assert first is not None
    assert first.digests == {"sha256": hashlib.sha256(BODY).hexdigest()}
    assert (tmp_path / first.path).read_bytes() == BODY
    assert get(url, tmp_path, first.etag) is None
    storage.write("clips/a b.mp4", b"new")
    again = get(url, tmp_path, first.etag)
    assert again is not None
    assert again.size_bytes == 3


@pytest.mark.parametrize(
    ("name", "more", "error"),
    [
        ("none.mp4", {}, BadURLError),
        ("folder/", {}, BadURLError),
        ("../a.mp4", {}, BadURLError),
        ("%2e%2e/a.mp4", {}, BadURLError),
        ("big.mp4", {"max_bytes": 1000}, TooLargeError),
        ("big.mp4", {"allow_storage": []}, ForbiddenHostError),
        ("big.mp4", {"allow_storage": ["s3://other/", "gs://other/", "sftp://other/"]}, ForbiddenHostError),
    ],
)
def test_what_cannot_be_had_leaves_nothing(
    storage: Storage, place: str, tmp_path: Path, name: str, more: dict[str, Any], error: type[RushesError]
) -> None:
    storage.write("big.mp4", BODY)
    with pytest.raises(error) as caught:
        get(address(storage, place, name), tmp_path, **more)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
    assert caught.value.transient is False


def test_an_item_may_be_allowed_by_the_beginning_of_its_url(storage: Storage, place: str, tmp_path: Path) -> None:
    storage.write("big.mp4", BODY)
    hidden = address(storage, place, "").replace("//root@", "//")
    assert get(address(storage, place, "big.mp4"), tmp_path, allow_storage=[hidden])


def test_rows_of_all_kinds_come_in_and_come_in_once(storage: Storage, place: str, tmp_path: Path) -> None:
    storage.write("a.png", png(tmp_path / "a.png"))
    rows = [{"id": "a", "url": address(storage, place, "a.png")}, {"id": "b", "url": address(storage, place, "b.png")}]
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, rows)
    assert forecast(config, workspace).fetch == 2
    first = run(config, workspace)
    assert (first.items["ok"], first.failures_by_code, first.fetched) == (1, {"bad_url": 1}, 1)
    assert run(config, workspace).fetched == 0


def test_a_list_may_lie_in_a_storage_and_its_paths_count_from_there(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    storage.write("lists/items.csv", b"url\nclips/a.png\n../b.png\nfile:///etc/passwd\nhttps://example.org/c.png\n")
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",))
    found = list(read_sources(address(storage, place, "lists/items.csv"), config))
    base = address(storage, place, "")
    assert [row.url for row in found if isinstance(row, Source)] == [
        f"{base}lists/clips/a.png",
        f"{base}b.png",
        "https://example.org/c.png",
    ]
    refused = [row for row in found if isinstance(row, Rejection)]
    assert [row.code for row in refused] == ["bad_url"]
    with pytest.raises(ConfigError, match="cannot be fetched"):
        list(read_sources(address(storage, place, "lists/none.csv"), config))


def test_label_files_may_lie_in_a_storage(storage: Storage, place: str, tmp_path: Path) -> None:
    box = "<bndbox><xmin>2</xmin><ymin>3</ymin><xmax>4</xmax><ymax>6</ymax></bndbox>"
    storage.write("labels/a.xml", f"<annotation><object><name>car</name>{box}</object></annotation>".encode())
    storage.write("items.csv", b"url,annotations\na.jpg,labels/a.xml\nb.jpg,labels/none.xml\n")
    local = f"url,annotations\nhttp://h/a.jpg,{address(storage, place, 'labels/a.xml')}\n"
    (tmp_path / "items.csv").write_text(local)
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), attempts=1)
    for source, codes in ((address(storage, place, "items.csv"), ["bad_url"]), (str(tmp_path / "items.csv"), [])):
        first, *others = read_sources(source, config)
        assert isinstance(first, Source)
        assert [label.box for label in first.annotations or ()] == [(1, 2, 3, 4)]
        assert [one.code for one in others if isinstance(one, Rejection)] == codes


@pytest.mark.skipif(storages.SSHD is None, reason="OpenSSH's sshd is not installed")
def test_a_row_cannot_reach_a_private_host_by_ssh_and_shows_no_password(tmp_path: Path) -> None:
    with storages.sftp(tmp_path) as url:
        (tmp_path / "data" / "a.png").write_bytes(b"x")
        with pytest.raises(ForbiddenHostError, match="not a public address"):
            download_file(f"{url}/a.png", tmp_path / "here")
        path = download_file(f"{url}/a.png", tmp_path / "here", allow_hosts=["127.0.0.1"])
        assert path.read_bytes() == b"x"
        with pytest.raises(BadURLError) as caught:
            download_file(f"{url.replace('@', ':hunter2@')}/none.png", tmp_path / "here", allow_hosts=["127.0.0.1"])
    assert "hunter2" not in str(caught.value)


def test_credentials_of_a_row_reach_no_ledger(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    config = settings(workspace, [{"id": "a", "url": "sftp://me:hunter2@127.0.0.1:9/a.png"}])
    outcome = ended(config, workspace, ingest(config, workspace))["a"]
    assert isinstance(outcome, Rejection)
    assert "hunter2" not in outcome.message
    assert not any(b"hunter2" in path.read_bytes() for path in workspace.root.glob("ledger/*/*"))
