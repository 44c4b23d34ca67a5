import asyncio
import hashlib
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina

from rushes.config import DownloadConfig
from rushes.errors import (
    BadURLError,
    ChecksumMismatchError,
    ConfigError,
    DiskFullError,
    DownloadError,
    ForbiddenHostError,
    HTTPStatusError,
    ServerBusyError,
    StorageError,
    TooLargeError,
    TruncatedError,
)
from rushes.files.download import adownload_file, afiles_url_to_path, download_file, fetch, files_url_to_path
from rushes.records import Download, Source
from rushes.transfer.guard import guarded_session
from tests import http_server as web
from tests.http_server import Answer, serve

BODY = bytes(range(256)) * 64
LOOPBACK = ["127.0.0.1"]


@pytest.fixture
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def get(url: str, root: Path, *validators: str | None, checksum: str | None = None, **settings: Any) -> Download | None:
    config = DownloadConfig(allow_private_hosts=tuple(LOOPBACK), **settings)
    with guarded_session(config) as session:
        return fetch(Source("clip", url, checksum), root, "incoming/clip", config, session, *validators)


def ask(answer: Answer, root: Path, **settings: Any) -> Download | None:
    with serve({"/clip.mp4": answer}) as server:
        return get(server.url("/clip.mp4"), root, **settings)


def test_bytes_arrive_with_their_digests(tmp_path: Path) -> None:
    answer = web.ok(BODY, "video/MP4; codecs=avc1", ETag='"v1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
    sha512 = "sha512:" + hashlib.sha512(BODY).hexdigest()
    found = ask(answer, tmp_path, checksum=sha512)
    assert found is not None
    assert (tmp_path / found.path).read_bytes() == BODY
    assert found.path == "incoming/clip"
    assert found.size_bytes == len(BODY)
    assert found.digests == {"sha256": hashlib.sha256(BODY).hexdigest(), "sha512": hashlib.sha512(BODY).hexdigest()}
    assert (found.content_type, found.etag) == ("video/mp4", '"v1"')
    assert found.last_modified == "Mon, 01 Jan 2024 00:00:00 GMT"
    assert found.attempts == 1
    assert found.elapsed_s > 0


def test_digests_are_of_the_file_and_not_of_its_encoding(tmp_path: Path) -> None:
    found = ask(web.gzipped(BODY), tmp_path)
    assert found is not None
    assert found.digests["sha256"] == hashlib.sha256(BODY).hexdigest()


def test_a_truncated_body_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(TruncatedError, match="before the content did"):
        ask(web.truncated(BODY, 1000), tmp_path, attempts=1)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_an_error_page_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(HTTPStatusError):
        ask(web.status(404, b"<html>gone</html>"), tmp_path)
    assert not (tmp_path / "incoming").exists()


def test_endless_content_stops_at_the_limit(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match="more than 1000000 bytes"):
        ask(web.endless(), tmp_path, max_bytes=1_000_000)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_a_small_body_that_unpacks_to_a_large_one_stops_at_the_limit(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError):
        ask(web.gzipped(b"\0" * 20_000_000), tmp_path, max_bytes=1_000_000)


@pytest.mark.usefixtures("_no_pauses")
@pytest.mark.parametrize("first", [web.status(500), web.truncated(BODY, 9), web.reset(BODY, 9), web.slammed])
def test_what_may_pass_is_tried_again(tmp_path: Path, first: Answer) -> None:
    found = ask(web.after(2, first, web.ok(BODY)), tmp_path)
    assert found is not None
    assert found.attempts == 3
    assert (tmp_path / found.path).read_bytes() == BODY


@pytest.mark.usefixtures("_no_pauses")
def test_a_failure_that_passes_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "rushes.transfer.patience"):
        ask(web.after(1, web.status(503), web.ok(BODY)), tmp_path)
    (line,) = [record.message for record in caplog.records if record.name == "rushes.transfer.patience"]
    assert "answered 503 Service Unavailable" in line


@pytest.mark.usefixtures("_no_pauses")
def test_attempts_come_to_an_end_and_are_counted(tmp_path: Path) -> None:
    with serve({"/a": web.status(503)}) as server:
        with pytest.raises(ServerBusyError) as caught:
            get(server.url("/a"), tmp_path, attempts=3)
        assert len(server.requests) == caught.value.attempts == 3


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410])
def test_what_will_not_pass_is_tried_once(tmp_path: Path, code: int) -> None:
    with serve({"/a": web.status(code)}) as server:
        with pytest.raises(HTTPStatusError) as caught:
            get(server.url("/a"), tmp_path)
        assert len(server.requests) == caught.value.attempts == 1


def test_a_busy_server_is_given_the_time_that_it_asks_for(tmp_path: Path) -> None:
    start_s = time.monotonic()
    found = ask(web.after(1, web.status(429, Retry_After=1), web.ok(BODY)), tmp_path)
    assert found is not None
    assert 1 <= time.monotonic() - start_s < 3
    assert found.elapsed_s < 1


def test_unchanged_content_stays_where_it_is(tmp_path: Path) -> None:
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    routes = {"/etag": web.validated(BODY, '"v1"'), "/date": web.validated(BODY, None, date)}
    with serve(routes) as server:
        assert get(server.url("/etag"), tmp_path, '"v1"', None) is None
        assert get(server.url("/date"), tmp_path, None, date) is None
        assert get(server.url("/etag"), tmp_path, '"v0"', None) is not None


def test_a_private_address_is_refused_at_once(tmp_path: Path) -> None:
    config = DownloadConfig()
    with serve({"/a": b"a"}) as server, guarded_session(config) as session:
        with pytest.raises(ForbiddenHostError) as caught:
            fetch(Source("a", server.url("/a")), tmp_path, "a", config, session)
        assert server.requests == []
    assert caught.value.attempts == 1


def test_a_full_disk_is_told_and_not_tried_again(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(DiskFullError, match="Free some space") as caught:
            ask(web.ok(BODY), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.attempts == 1
    assert list((tmp_path / "incoming").iterdir()) == []


def test_what_the_disk_cannot_hold_is_not_begun(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match=r"100000000000000000 bytes are to come, and .* bytes free") as caught:
        ask(web.announcing(10**17), tmp_path, max_bytes=10**18)
    assert caught.value.attempts == 1
    assert list((tmp_path / "incoming").iterdir()) == []


@pytest.mark.usefixtures("_no_pauses")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "incoming").write_bytes(b"in the way")
    with pytest.raises(StorageError, match="cannot be written"):
        ask(web.ok(BODY), tmp_path, attempts=2)


@pytest.mark.usefixtures("_no_pauses")
def test_no_failure_shows_credentials(tmp_path: Path) -> None:
    with serve({"/a": web.truncated(BODY, 3)}) as server:
        url = server.url("/a?X-Amz-Signature=SECRET").replace("//", "//user:SECRET@")
        with pytest.raises(DownloadError) as caught:
            get(url, tmp_path, attempts=2)
    assert "SECRET" not in str(caught.value)


def test_a_local_file_is_copied_with_the_same_care(tmp_path: Path) -> None:
    path = tmp_path / "a b%20ü.bin"
    path.write_bytes(BODY)
    found = get(path.as_uri(), tmp_path, checksum="md5:" + hashlib.md5(BODY).hexdigest())
    assert found is not None
    assert (tmp_path / found.path).read_bytes() == BODY
    assert found.digests["md5"] == hashlib.md5(BODY).hexdigest()
    assert get(path.as_uri(), tmp_path, found.etag) is None
    os.utime(path, (1, 1))
    assert get(path.as_uri(), tmp_path, found.etag) is not None
    with pytest.raises(TooLargeError):
        get(path.as_uri(), tmp_path, max_bytes=10)


@pytest.mark.parametrize("name", ["missing.mp4", "folder", "pipe"])
def test_a_local_item_is_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadURLError) as caught:
        get((tmp_path / name).as_uri(), tmp_path)
    assert caught.value.attempts == 1


@pytest.mark.parametrize("url", ["file://other/a.mp4", "file:a.mp4", "file:///a%00b"])
def test_a_local_url_names_a_path_of_this_machine(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadURLError):
        get(url, tmp_path)


def test_one_session_serves_many_threads(tmp_path: Path) -> None:
    config = DownloadConfig(allow_private_hosts=tuple(LOOPBACK), per_host=3)
    routes = {f"/{number}": str(number).encode() * 1000 for number in range(20)}
    found: dict[int, Download | None] = {}
    with serve(routes) as server, guarded_session(config) as session:

        def one(number: int) -> None:
            source = Source(str(number), server.url(f"/{number}"))
            found[number] = fetch(source, tmp_path, str(number), config, session)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all((tmp_path / str(number)).read_bytes() == str(number).encode() * 1000 for number in range(20))
    assert len(found) == 20


def test_a_download_has_a_name_that_its_url_gives(tmp_path: Path) -> None:
    with serve({"/clips/street.MP4": BODY}) as server:
        url = server.url("/clips/street.MP4?sig=1")
        path = download_file(url, tmp_path / "new", allow_hosts=LOOPBACK)
        assert path.parent == tmp_path / "new"
        assert path.name.startswith("street-")
        assert path.suffix == ".mp4"
        assert path.read_bytes() == BODY
        assert download_file(url, tmp_path / "new", allow_hosts=LOOPBACK) == path
        assert len(server.requests) == 1
        download_file(url, tmp_path / "new", use_cached=False, allow_hosts=LOOPBACK)
        assert len(server.requests) == 2
        named = download_file(url, tmp_path, "mine", str, allow_hosts=LOOPBACK)
        assert named == str(tmp_path / "mine.mp4")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [path.name]


def test_urls_with_one_basename_do_not_collide(tmp_path: Path) -> None:
    with serve({"/a/x.jpg": b"a", "/b/x.jpg": b"b"}) as server:
        urls = [server.url("/a/x.jpg"), server.url("/b/x.jpg")]
        paths = files_url_to_path(urls, tmp_path, allow_hosts=LOOPBACK)
        assert [path.read_bytes() for path in paths] == [b"a", b"b"]
        assert asyncio.run(afiles_url_to_path(urls, tmp_path, str, allow_hosts=LOOPBACK)) == [str(p) for p in paths]
        assert asyncio.run(adownload_file(urls[0], tmp_path, allow_hosts=LOOPBACK)) == paths[0]


def test_a_download_that_breaks_its_promise_is_not_kept(tmp_path: Path) -> None:
    with serve({"/a.bin": BODY}) as server:
        good = hashlib.sha1(BODY).hexdigest()
        assert download_file(server.url("/a.bin"), tmp_path / "1", checksum=good, allow_hosts=LOOPBACK).exists()
        with pytest.raises(ChecksumMismatchError, match=f"got sha1:{good}"):
            download_file(server.url("/a.bin"), tmp_path / "2", checksum="0" * 40, allow_hosts=LOOPBACK)
    assert list((tmp_path / "2").iterdir()) == []


@pytest.mark.parametrize("arguments", [{"name": "../x"}, {"name": ""}, {"checksum": "abc"}, {"allow_hosts": ["a b"]}])
def test_an_argument_that_cannot_be_used_is_said(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        download_file("http://127.0.0.1/a", tmp_path, **arguments)
