"""A transfer that was cut short goes on where it stopped, and never joins what does not belong together."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from rushes.config import DownloadConfig
from rushes.errors import HTTPStatusError, RushesError, TooLargeError, TruncatedError
from rushes.files.checksum import verify
from rushes.files.download import download_file, fetch
from rushes.records import Download, Source
from rushes.transfer.guard import guarded_session
from rushes.transfer.resume import KEPT_S, Note, Rest, continues, note_path, sweep
from rushes.workspace import Workspace
from tests import http_server as web
from tests.http_server import Answer, Server, serve

BODY = random.Random(7).randbytes(3_000_000)
OTHER = random.Random(8).randbytes(3_000_000)
CUT = 1_000_000
OLD = "Mon, 01 Jan 2024 00:00:00 GMT"


@pytest.fixture(autouse=True)
def _no_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


def get(server: Server, root: Path, checksum: str | None = None, query: str = "", **settings: Any) -> Download | None:
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), **settings)
    with guarded_session(config) as session:
        source = Source("clip", server.url("/clip.mp4" + query), checksum)
        return fetch(source, root, "incoming/clip", config, session)


def ask(root: Path, first: Answer, then: Answer, **settings: Any) -> tuple[Download, list[str | None]]:
    """Returns what arrived, and the ranges that were asked for."""
    with serve({"/clip.mp4": web.after(1, first, then)}) as server:
        found = get(server, root, **settings)
        assert found is not None
        return found, ranges(server)


def ranges(server: Server) -> list[str | None]:
    return [request.headers.get("range") for request in server.requests]


def left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "incoming").iterdir())


def check(found: Download | None, root: Path, body: bytes = BODY) -> None:
    assert found is not None
    assert (root / found.path).read_bytes() == body
    assert found.size_bytes == len(body)
    assert found.digests["sha256"] == hashlib.sha256(body).hexdigest()


CUT_SHORT = {
    "truncated": web.truncated(BODY, CUT, ETag='"v1"'),
    "reset": web.reset(BODY, CUT, ETag='"v1"'),
    "stalled": web.stall(30, BODY[:CUT], len(BODY), ETag='"v1"'),
    "truncated, with a date only": web.truncated(BODY, CUT, Last_Modified=OLD),
}


@pytest.mark.parametrize("name", CUT_SHORT)
def test_a_transfer_that_is_cut_short_asks_for_the_rest_only(tmp_path: Path, name: str) -> None:
    then = web.ranged(BODY, ETag='"v1"', Last_Modified=OLD)
    found, (first, second, *more) = ask(tmp_path, CUT_SHORT[name], then, timeout_s={"read": 0.3})
    check(found, tmp_path)
    assert (first, more) == (None, [])
    assert second is not None
    # A reset may throw away what was under way.
    assert second == f"bytes={CUT}-" or (name == "reset" and int(second[6:-1]) <= CUT)
    assert (found.attempts, found.etag, found.last_modified) == (2, '"v1"', OLD)


def test_the_next_run_goes_on_where_the_last_one_stopped(tmp_path: Path) -> None:
    cut = web.truncated(BODY, CUT, ETag='"v1"', Content_Type="video/mp4")
    routes: dict[str, Answer | bytes] = {"/clip.mp4": web.after(1, cut, web.ranged(BODY, ETag='"v1"'))}
    with serve(routes) as server:
        with pytest.raises(TruncatedError):
            get(server, tmp_path, query="?X-Amz-Signature=SECRET", attempts=1)
        assert left(tmp_path) == ["clip", "clip.json"]
        assert b"SECRET" not in (tmp_path / "incoming/clip.json").read_bytes()
        sweep(tmp_path / "incoming")
        found = get(server, tmp_path, query="?X-Amz-Signature=ANEW")
        assert ranges(server) == [None, f"bytes={CUT}-"]
        assert server.requests[1].headers["if-range"] == '"v1"'
    check(found, tmp_path)


def test_many_cuts_make_one_whole(tmp_path: Path) -> None:
    def cut(handler: web.Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        handler.head(
            206 if start else 200,
            ETag='"v1"',
            Content_Length=len(BODY) - start,
            **({"Content_Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"} if start else {}),
        )
        handler.wfile.write(BODY[start : start + 800_000])
        handler.hang_up()

    with serve({"/clip.mp4": cut}) as server:
        check(get(server, tmp_path), tmp_path)
        assert ranges(server) == [None, "bytes=800000-", "bytes=1600000-", "bytes=2400000-"]


def test_a_range_that_ends_early_is_gone_on_with(tmp_path: Path) -> None:
    def few(handler: web.Handler) -> None:
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        web.part(BODY[: start + 1_000_000], start, f"bytes {start}-{start + 999_999}/{len(BODY)}", ETag='"v1"')(handler)

    found, asked = ask(tmp_path, CUT_SHORT["truncated"], few)
    check(found, tmp_path)
    assert asked == [None, "bytes=1000000-", "bytes=2000000-"]


STARTS_AGAIN = {
    "the entity tag changed": (web.ranged(OTHER, ETag='"v2"'), 2),
    "the range is ignored": (web.ok(OTHER), 2),
    "416": (web.after(1, web.status(416, Content_Range="bytes */5"), web.ok(OTHER)), 3),
    "another start": (web.after(1, web.part(BODY, CUT - 1, ETag='"v1"'), web.ok(OTHER)), 3),
    "another total": (web.after(1, web.part(BODY, CUT, f"bytes {CUT}-{len(BODY) - 1}/9000000"), web.ok(OTHER)), 3),
    "an unknown total": (web.after(1, web.part(BODY, CUT, f"bytes {CUT}-{len(BODY) - 1}/*"), web.ok(OTHER)), 3),
    "206 without Content-Range": (web.after(1, web.status(206, BODY[CUT:]), web.ok(OTHER)), 3),
    "a multipart answer": (web.after(1, web.status(206, b"--x", Content_Range="bytes"), web.ok(OTHER)), 3),
    "If-Range ignored": (web.after(1, web.part(OTHER, CUT, ETag='"v2"'), web.ok(OTHER)), 3),
    "an encoded rest": (
        web.after(1, web.part(BODY, CUT, ETag='"v1"', Content_Encoding="gzip"), web.ok(OTHER)),
        3,
    ),
}


@pytest.mark.parametrize("name", STARTS_AGAIN)
def test_what_does_not_continue_is_fetched_whole(tmp_path: Path, name: str) -> None:
    then, requests = STARTS_AGAIN[name]
    found, asked = ask(tmp_path, CUT_SHORT["truncated"], then)
    check(found, tmp_path, OTHER)
    assert asked == [None, f"bytes={CUT}-", None][:requests]


NOW = object()
"""Stands for the time at which the test runs, which may be minutes after it was read."""

NOT_DIVISIBLE: dict[str, dict[str, object]] = {
    "a weak entity tag": {"ETag": 'W/"v1"', "Last_Modified": OLD},
    "no validator": {},
    "a malformed entity tag": {"ETag": "v1"},
    "a date of just now": {"Last_Modified": NOW},
    "a server that takes no ranges": {"ETag": '"v1"', "Accept_Ranges": "none"},
}


@pytest.mark.parametrize("name", NOT_DIVISIBLE)
def test_what_cannot_be_divided_is_fetched_whole(tmp_path: Path, name: str) -> None:
    now = formatdate(usegmt=True)
    headers = {key: now if value is NOW else value for key, value in NOT_DIVISIBLE[name].items()}
    found, asked = ask(tmp_path, web.truncated(BODY, CUT, **headers), web.ranged(BODY, **headers))
    check(found, tmp_path)
    assert asked == [None, None]


def test_a_small_file_leaves_a_note_only_where_it_is_needed(tmp_path: Path) -> None:
    body = BODY[:5000]
    then = web.ranged(body, ETag='"v1"')
    found, asked = ask(tmp_path, web.truncated(body, 3000, ETag='"v1"'), then)
    check(found, tmp_path, body)
    assert asked == [None, "bytes=3000-"]
    ask(tmp_path / "other", then, then)
    assert left(tmp_path / "other") == ["clip"]


def test_nothing_of_nothing_is_fetched_whole(tmp_path: Path) -> None:
    found, asked = ask(tmp_path, web.truncated(BODY, 0, ETag='"v1"'), web.ranged(BODY, ETag='"v1"'))
    check(found, tmp_path)
    assert asked == [None, None]


def test_two_files_behind_one_entity_tag_do_not_pass_for_one(tmp_path: Path) -> None:
    checksum = f"sha256:{hashlib.sha256(OTHER).hexdigest()}"
    found, asked = ask(tmp_path, CUT_SHORT["truncated"], web.ranged(OTHER, ETag='"v1"'), checksum=checksum)
    check(found, tmp_path, OTHER)
    assert asked == [None, f"bytes={CUT}-", None]


def test_a_whole_part_costs_one_byte(tmp_path: Path) -> None:
    with serve({"/clip.mp4": web.ranged(BODY, ETag='"v1"')}) as server:
        check(get(server, tmp_path), tmp_path)
        check(get(server, tmp_path), tmp_path)
        assert ranges(server) == [None, f"bytes={len(BODY) - 1}-"]


@pytest.mark.parametrize("damage", ["{", "{}", '{"source":"x","total_bytes":3000000,"boot":"","headers":{}}', None])
def test_a_note_that_says_something_else_is_not_believed(tmp_path: Path, damage: str | None) -> None:
    with serve({"/clip.mp4": web.ranged(BODY, ETag='"v1"')}) as server:
        get(server, tmp_path)
        note = tmp_path / "incoming/clip.json"
        note.write_text(damage or json.dumps(json.loads(note.read_text()) | {"boot": "another"}))
        (tmp_path / "incoming/clip").write_bytes(OTHER[:CUT])
        check(get(server, tmp_path), tmp_path)
        assert ranges(server) == [None, None]


def test_a_failure_that_stays_leaves_nothing(tmp_path: Path) -> None:
    for then, limit_bytes, expected in [
        (web.status(404), len(BODY), HTTPStatusError),
        (web.ranged(BODY, ETag='"v1"'), len(BODY) - 1, TooLargeError),
    ]:
        with serve({"/clip.mp4": web.after(1, CUT_SHORT["truncated"], then)}) as server:
            with pytest.raises(TruncatedError):
                get(server, tmp_path, attempts=1)
            assert left(tmp_path) == ["clip", "clip.json"]
            with pytest.raises(expected):
                get(server, tmp_path, max_bytes=limit_bytes)
        assert left(tmp_path) == []


def test_content_that_is_at_hand_already_needs_no_rest(tmp_path: Path) -> None:
    routes: dict[str, Answer | bytes] = {
        "/clip.mp4": web.after(1, CUT_SHORT["truncated"], web.status(304, b"", ETag='"v0"'))
    }
    config = DownloadConfig(allow_private_hosts=("127.0.0.1",), attempts=1)
    with serve(routes) as server, guarded_session(config) as session:
        source = Source("clip", server.url("/clip.mp4"))
        with pytest.raises(TruncatedError):
            fetch(source, tmp_path, "incoming/clip", config, session, '"v0"')
        assert fetch(source, tmp_path, "incoming/clip", config, session, '"v0"') is None
    assert left(tmp_path) == []


def test_what_is_published_leaves_no_note(tmp_path: Path) -> None:
    with serve({"/clip.mp4": web.ranged(BODY, ETag='"v1"')}) as server:
        found = get(server, tmp_path)
        assert found is not None
        assert left(tmp_path) == ["clip", "clip.json"]
        verify(found, Workspace(tmp_path))
        assert left(tmp_path) == []
        path = download_file(server.url("/clip.mp4"), tmp_path / "own", allow_hosts=["127.0.0.1"])
        assert list((tmp_path / "own").iterdir()) == [path]


_CHILD = """
import sys
from pathlib import Path
from rushes.config import DownloadConfig
from rushes.files.download import fetch
from rushes.transfer.guard import guarded_session
from rushes.records import Source

config = DownloadConfig(allow_private_hosts=("127.0.0.1",))
with guarded_session(config) as session:
    fetch(Source("clip", sys.argv[1]), Path(sys.argv[2]), "incoming/clip", config, session)
"""


def _noted(part: Path) -> bool:
    """Tells whether a part's note is there and written, which a kill in between would not leave."""
    return note_path(part).exists() and note_path(part).read_bytes().endswith(b"}")


def test_after_a_kill_the_next_run_asks_for_the_rest(tmp_path: Path) -> None:
    # More than the write buffer, so that some of it is on the disk when the process dies.
    stalled = web.stall(30, BODY[:2_500_000], len(BODY), ETag='"v1"')
    part = tmp_path / "incoming/clip"
    with serve({"/clip.mp4": web.after(1, stalled, web.ranged(BODY, ETag='"v1"'))}) as server:
        child = subprocess.Popen([sys.executable, "-c", _CHILD, server.url("/clip.mp4"), str(tmp_path)])
        deadline_s = time.monotonic() + 30
        while not (_noted(part) and part.stat().st_size >= CUT) and time.monotonic() < deadline_s:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.wait()
        size_bytes = part.stat().st_size
        check(get(server, tmp_path), tmp_path)
        assert 0 < size_bytes <= 2_500_000
        assert ranges(server) == [None, f"bytes={size_bytes}-"]


def test_a_sweep_keeps_what_can_be_gone_on_with(tmp_path: Path) -> None:
    for name in ("young", "old", "bare"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("young", "old", "orphan"):
        note_path(tmp_path / name).write_bytes(b"{}")
    (tmp_path / "folder").mkdir()
    long_ago_s = time.time() - KEPT_S - 1
    os.utime(tmp_path / "old", (long_ago_s, long_ago_s))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["young", "young.json"]
    sweep(tmp_path / "missing")


@given(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99), st.integers(1, 99))
def test_only_the_range_that_was_asked_for_continues(start: int, end: int, asked: int, total: int) -> None:
    rest = Rest(Note("", 50, "", {"ETag": '"v1"'}), asked)
    assert continues(rest, {"Content-Range": f"bytes {start}-{end}/{total}"}) == (start == asked and total == 50)


def test_every_way_of_being_cut_ends_as_the_whole(tmp_path: Path) -> None:
    chance = random.Random(3)
    whole = web.ranged(BODY, ETag='"v1"')
    for number in range(8):
        at = chance.randrange(len(BODY))
        cut = chance.choice([web.truncated, web.reset])(BODY, at, ETag='"v1"')
        try:
            found, _ = ask(tmp_path / str(number), cut, whole)
        except RushesError as error:
            pytest.fail(f"cut at {at}: {error}")
        check(found, tmp_path / str(number))
