"""The ingest: what arrives, what is refused, and what a second run or a second try makes of both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from rushes.config import Pipeline
from rushes.files import settle
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.jsonl import atomic_write, fsync_dir
from rushes.ledger import Ledger
from rushes.plan import Plan, make_plan, new_run
from rushes.records import Media, Rejection
from rushes.results import results, work_done
from rushes.video.pool import WORTH_FILES, Pool, why_not
from rushes.workspace import Workspace, stored
from tests.http_server import Answer, Handler, Server, ok, serve, status, truncated, validated
from tests.rushes.runs import codes, ended, ingest, manifest, png, run, settings
from tests.rushes.video.clips import card

PAGE = b"<!doctype html><title>Please log in</title>"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


@pytest.fixture
def picture(tmp_path: Path) -> bytes:
    return png(tmp_path / "a.png")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "www").mkdir()
    with serve(tmp_path / "www") as running:
        yield running


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def snapshot(workspace: Workspace) -> dict[str, bytes]:
    """Returns what stands in the store, the quarantine and the derivatives, and what is under way."""
    kinds = ("media", "derived", "quarantine", "incoming")
    paths = [path for kind in kinds for path in workspace.path(kind).rglob("*") if path.is_file()]
    return {path.relative_to(workspace.root).as_posix(): path.read_bytes() for path in paths}


def test_items_end_as_media_or_say_why_not(workspace: Workspace, picture: bytes, tmp_path: Path) -> None:
    (tmp_path / "page.png").write_bytes(PAGE)
    (tmp_path / "torn.png").write_bytes(picture[:60])
    rows = [
        {"id": "fine", "url": "a.png", "checksum": sha256(picture)},
        {"id": "other", "url": "a.png", "checksum": sha256(b"other")},
        {"id": "gone", "url": "gone.png"},
        {"id": "page", "url": "page.png"},
        {"id": "torn", "url": "torn.png"},
    ]
    config = settings(workspace, rows)
    found = ended(config, workspace, ingest(config, workspace))
    assert isinstance(found["fine"], Media)
    told = {key: (one.code, one.status, one.stage) for key, one in found.items() if isinstance(one, Rejection)}
    assert told == {
        "other": ("checksum_mismatch", "quarantined", "checksum"),
        "gone": ("bad_url", "failed", "download"),
        "page": ("not_media", "quarantined", "transcode"),
        "torn": ("corrupt_media", "quarantined", "transcode"),
    }
    assert not list(workspace.incoming.iterdir())


def test_a_second_run_fetches_and_makes_nothing(workspace: Workspace, picture: bytes, server: Server) -> None:
    with serve({"/a.png": picture}) as other:
        config = settings(workspace, [{"url": other.url("/a.png")}])
        ingest(config, workspace)
        assert ingest(config, workspace).batches == ()
        assert other.paths() == ["/a.png"]


@pytest.mark.parametrize("bad", [PAGE, b"\x89PNG\r\n\x1a\n" + bytes(50)], ids=["not_media", "corrupt_media"])
@pytest.mark.parametrize("named", [True, False], ids=["validator", "no validator"])
def test_bytes_that_were_no_media_are_media_once_the_source_is_mended(
    workspace: Workspace, picture: bytes, bad: bytes, named: bool
) -> None:
    def answer(body: bytes) -> Answer:
        return validated(body, hashlib.md5(body).hexdigest()) if named else ok(body)

    routes = {"/a.png": answer(bad)}
    with serve({"/a.png": lambda handler: routes["/a.png"](handler)}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.png")}])
        for _ in range(2):
            assert codes(config, workspace, ingest(config, workspace))["a"] in {"not_media", "corrupt_media"}
        routes["/a.png"] = answer(picture)
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok"}
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok"}


def test_what_is_wrong_by_its_own_checksum_is_not_asked_for_again(workspace: Workspace) -> None:
    with serve({"/a.png": PAGE}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.png"), "checksum": sha256(PAGE)}])
        for _ in range(3):
            assert codes(config, workspace, ingest(config, workspace)) == {"a": "not_media"}
        assert len(server.requests) == 1


def test_a_checksum_mismatch_is_mended_at_the_source_or_in_the_row(workspace: Workspace, picture: bytes) -> None:
    routes = {"/a.png": validated(b"other", '"1"')}
    with serve({"/a.png": lambda handler: routes["/a.png"](handler)}) as server:
        url = server.url("/a.png")
        config = settings(workspace, [{"id": "a", "url": url, "checksum": sha256(picture)}])
        for _ in range(2):
            assert codes(config, workspace, ingest(config, workspace)) == {"a": "checksum_mismatch"}
        routes["/a.png"] = validated(picture, '"2"')
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok"}
        config = settings(workspace, [{"id": "a", "url": url, "checksum": sha256(picture)[7:].upper()}])
        assert ingest(config, workspace).batches == ()


def test_a_machine_without_ffmpeg_is_no_verdict_on_a_video(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.rushes.video.clips import coloured

    coloured(tmp_path / "a.mp4", frames=5)
    config = settings(workspace, [{"id": "a", "url": "a.mp4"}])
    with monkeypatch.context() as broken:
        broken.setenv("RUSHES_FFPROBE", "/nowhere/ffprobe")
        broken.setenv("RUSHES_FFMPEG", "/nowhere/ffmpeg")
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ffmpeg_not_found"}
    assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok"}


def test_messages_name_the_item_at_hand_and_not_the_first_that_had_these_bytes(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        (tmp_path / name).write_bytes(PAGE)
    rows = [{"id": f"item-{name}", "url": f"{name}.png"} for name in "ab"]
    wrong = [{"id": f"item-{name}", "url": "c.png", "checksum": sha256(b"x")} for name in "cd"]
    config = settings(workspace, rows + wrong)
    for key, outcome in ended(config, workspace, ingest(config, workspace)).items():
        assert isinstance(outcome, Rejection)
        others = {f"item-{name}" for name in "abcd"} - {key}
        assert not any(other in outcome.message for other in others), outcome.message
        assert ".jsonl:" not in outcome.message, outcome.message  # the row may stand elsewhere by the next run


def step_by_step(config: Pipeline, workspace: Workspace) -> Iterator[Plan]:
    """Runs each step of each batch, and pauses after it."""
    plan = make_plan(config, workspace, new_run())
    for batch in plan.batches:
        for step in (download_batch, checksum_batch, transcode_batch):
            step(config, workspace, batch)
            yield plan


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_that_stops_after_any_step_is_made_good_by_the_next(
    workspace: Workspace, picture: bytes, tmp_path: Path, steps: int
) -> None:
    rows = [{"id": "a", "url": "a.png"}, {"id": "b", "url": "a.png", "checksum": sha256(b"x")}]
    config = settings(workspace, rows)
    stopped = step_by_step(config, workspace)
    for _ in range(steps):
        next(stopped)
    assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok", "b": "checksum_mismatch"}
    assert sorted(snapshot(workspace)) == [
        stored("media", hashlib.sha256(picture).hexdigest(), ".png"),
        stored("quarantine", hashlib.sha256(picture).hexdigest(), ".bin"),
    ]


@pytest.mark.parametrize("step", [download_batch, checksum_batch, transcode_batch])
def test_a_batch_that_runs_again_does_nothing_twice(workspace: Workspace, picture: bytes, step: object) -> None:
    with serve({"/a.png": picture, "/b.png": status(404)}) as server:
        rows = [{"id": name, "url": server.url(f"/{name}.png")} for name in "ab"]
        config = settings(workspace, rows)
        plan = ingest(config, workspace)
        before, asked = snapshot(workspace), len(server.requests)
        for batch in plan.batches:
            assert step(config, workspace, batch).done == 0  # type: ignore[operator]
        assert (snapshot(workspace), len(server.requests)) == (before, asked)


@pytest.mark.skipif(why_not() is not None, reason="probing is by ffprobe alone")
def test_a_batch_of_many_videos_is_probed_by_a_worker(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = Pool()
    monkeypatch.setattr("rushes.video.pool._pool", workers)
    clip = card(tmp_path / "clip.mp4").read_bytes()
    for number in range(WORTH_FILES):
        (tmp_path / f"{number}.mp4").write_bytes(clip + b"\0\0\0\x0cfree" + number.to_bytes(4, "big"))
    config = settings(workspace, [{"id": str(number), "url": f"{number}.mp4"} for number in range(WORTH_FILES)])
    plan = ingest(config, workspace)
    assert set(codes(config, workspace, plan).values()) == {"ok"}
    assert len(workers.idle) == 1
    workers.close()


@pytest.mark.parametrize("first", ["twin", "wrong"])
def test_a_crash_between_the_move_and_the_ledger_does_not_let_a_wrong_checksum_through(
    workspace: Workspace, picture: bytes, tmp_path: Path, first: str
) -> None:
    (tmp_path / "b.png").write_bytes(picture)
    rows = [{"id": "wrong", "url": "a.png", "checksum": sha256(b"x")}, {"id": "twin", "url": "b.png"}]
    config = settings(workspace, rows if first == "wrong" else rows[::-1])
    plan = ingest(config, workspace)
    for path in workspace.ledger("verified").iterdir():
        path.unlink()
    for batch in plan.batches:
        checksum_batch(config, workspace, batch)
    assert codes(config, workspace, plan) == {"wrong": "checksum_mismatch", "twin": "ok"}


def test_the_ledger_speaks_of_no_file_before_it_is_on_the_disk(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        png(tmp_path / f"{number}.png", f"#{number:02}0000")
    config = settings(workspace, [{"id": str(number), "url": f"{number}.png"} for number in range(20)])
    plan = make_plan(config, workspace, new_run())
    written: list[bytes] = []

    def synced(folder: Path) -> None:
        written.extend(path.read_bytes() for path in workspace.ledger("verified").glob("*"))
        fsync_dir(folder)

    monkeypatch.setattr(settle, "fsync_dir", synced)
    download_batch(config, workspace, plan.batches[0])
    assert checksum_batch(config, workspace, plan.batches[0]).done == 20
    assert set(written) == {b""}
    assert len(Ledger(workspace.ledger("verified"))) == 20


def test_an_image_of_a_ledger_line_cut_short_by_a_crash_is_done_again(workspace: Workspace, picture: bytes) -> None:
    config = settings(workspace, [{"id": "a", "url": "a.png"}])
    plan = ingest(config, workspace)
    for kind in ("verified", "media"):
        for path in workspace.ledger(kind).iterdir():
            path.write_bytes(path.read_bytes()[:-10])
    assert len(Ledger(workspace.ledger("verified"))) == 0
    assert codes(config, workspace, plan) == {"a": "not_ingested"}
    assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok"}


def test_one_turned_photo_behind_many_urls_is_made_once_by_batches_side_by_side(
    workspace: Workspace, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1200, 900)).save(tmp_path / "0.jpg", exif=exif)
    for number in range(1, 8):
        (tmp_path / f"{number}.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    rows = [{"id": str(number), "url": f"{number}.jpg"} for number in range(8)]
    config = settings(workspace, rows, transcode={"profile": "web"}, run={"batch_size": 1})
    plan = make_plan(config, workspace, new_run())
    for step in (download_batch, checksum_batch, transcode_batch):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda batch, step=step: step(config, workspace, batch), plan.batches))
    assert set(codes(config, workspace, plan).values()) == {"ok"}


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with atomic_write(path) as first, atomic_write(path) as second:
        first.write(b"first")
        second.write(b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def asked(server: Server) -> list[str | None]:
    """Returns the validator that each request named, and forgets the requests."""
    named = [request.headers.get("if-none-match") for request in server.requests]
    server.requests.clear()
    return named


def test_an_item_without_a_checksum_costs_one_question_and_a_changed_one_is_fetched(
    workspace: Workspace, picture: bytes, tmp_path: Path
) -> None:
    other = png(tmp_path / "b.png", "blue")
    routes = {"/a.png": validated(picture, etag='"1"')}
    with serve({"/a.png": lambda handler: routes["/a.png"](handler)}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.png")}])
        ingest(config, workspace)
        assert asked(server) == [None]
        plan = ingest(config, workspace)
        assert (asked(server), work(workspace, plan)) == (['"1"'], {"fetched": 0, "changed": 0, "made": 0})
        routes["/a.png"] = validated(other, etag='"2"')
        plan = ingest(config, workspace)
        assert (asked(server), work(workspace, plan)) == (['"1"'], {"fetched": 1, "changed": 1, "made": 1})
        media = ended(config, workspace, plan)["a"]
        assert isinstance(media, Media)
        assert f"sha256:{media.sha256}" == sha256(other)


@pytest.mark.parametrize("answer", [status(404), status(503)])
def test_an_item_that_is_here_stays_when_its_source_cannot_be_asked(
    workspace: Workspace, picture: bytes, answer: Answer
) -> None:
    routes = {"/a.png": validated(picture, etag='"1"')}
    with serve({"/a.png": lambda handler: routes["/a.png"](handler)}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.png")}])
        ingest(config, workspace)
        routes["/a.png"] = answer
        plan = ingest(config, workspace)
    assert codes(config, workspace, plan) == {"a": "ok"}


def test_an_item_with_a_checksum_or_without_a_validator_is_not_asked_for_again(
    workspace: Workspace, picture: bytes
) -> None:
    with serve({"/a.png": validated(picture, etag='"1"'), "/b.png": ok(picture)}) as server:
        rows = [{"url": server.url("/a.png"), "checksum": sha256(picture)}, {"url": server.url("/b.png")}]
        config = settings(workspace, rows)
        ingest(config, workspace)
        assert asked(server) == [None, None]
        ingest(config, workspace)
        assert asked(server) == []


def test_without_revalidation_nobody_is_asked_about_what_is_here_and_failed_items_are_tried_all_the_same(
    workspace: Workspace, picture: bytes
) -> None:
    routes = {"/a.png": validated(picture, etag='"1"'), "/page.png": validated(PAGE, etag='"1"'), "/b.png": status(404)}

    def answer(handler: Handler) -> None:
        routes[handler.path](handler)

    with serve(dict.fromkeys(routes, answer)) as server:
        rows = [{"id": path[1:2], "url": server.url(path)} for path in routes]
        download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1, "revalidate": False}
        config = settings(workspace, rows, download=download)
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok", "p": "not_media", "b": "http_status"}
        server.requests.clear()
        routes["/a.png"] = routes["/page.png"] = routes["/b.png"] = validated(picture, etag='"2"')
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok", "p": "ok", "b": "ok"}
        assert sorted(server.paths()) == ["/b.png", "/page.png"]


@pytest.mark.parametrize("bad", [status(404), status(503), truncated(b"all of it", 3)], ids=["404", "503", "truncated"])
def test_what_failed_is_tried_again_by_the_next_run_and_ends_ok_once_it_passes(
    workspace: Workspace, picture: bytes, bad: Answer
) -> None:
    routes = {"/a.png": bad}
    with serve({"/a.png": lambda handler: routes["/a.png"](handler), "/b.png": picture}) as server:
        config = settings(workspace, [{"id": name, "url": server.url(f"/{name}.png")} for name in "ab"])
        for _ in range(2):
            assert codes(config, workspace, ingest(config, workspace)).pop("a") in {"http_status", "truncated"}
        routes["/a.png"] = ok(picture)
        assert codes(config, workspace, ingest(config, workspace)) == {"a": "ok", "b": "ok"}
        assert server.paths().count("/b.png") == 1
        assert ingest(config, workspace).batches == ()


def test_what_was_no_media_is_asked_whether_it_changed_and_nothing_more(workspace: Workspace) -> None:
    with serve({"/a.png": validated(PAGE, etag='"1"')}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.png")}])
        ingest(config, workspace)
        assert asked(server) == [None]
        plan = ingest(config, workspace)
        assert (asked(server), work(workspace, plan)) == (['"1"'], {"fetched": 0, "changed": 0, "made": 0})


def test_a_row_with_another_checksum_counts_as_changed_where_it_brings_other_bytes(
    workspace: Workspace, picture: bytes, tmp_path: Path
) -> None:
    (tmp_path / "b.png").write_bytes(picture)
    config = settings(workspace, [{"id": "a", "url": "b.png", "checksum": sha256(picture)}])
    ingest(config, workspace)
    other = png(tmp_path / "b.png", "blue")
    config = settings(workspace, [{"id": "a", "url": "b.png", "checksum": sha256(other)}])
    assert work(workspace, ingest(config, workspace)) == {"fetched": 1, "changed": 1, "made": 1}
    config = settings(workspace, [{"id": "a", "url": "b.png"}])
    assert work(workspace, ingest(config, workspace))["changed"] == 0


def work(workspace: Workspace, plan: Plan) -> dict[str, int]:
    stages = work_done(results(workspace, plan.run))
    done = {name: stages.get(stage, {}) for name, stage in (("fetched", "download"), ("made", "transcode"))}
    changed = stages.get("checksum", {}).get("changed", 0)
    return {"fetched": done["fetched"].get("done", 0), "changed": changed, "made": done["made"].get("done", 0)}


def test_what_hosts_refuse_to_robots_is_skipped_and_recorded_and_asked_again(
    workspace: Workspace, picture: bytes, tmp_path: Path
) -> None:
    rules = [b"User-agent: *\nDisallow: /private/"]
    tag = ["noai"]

    def robots(handler: Handler) -> None:
        ok(rules[0], "text/plain")(handler)

    def tagged(handler: Handler) -> None:
        ok(png(tmp_path / "t.png", "blue"), "image/png", X_Robots_Tag=tag[0])(handler)

    routes = {
        "/robots.txt": robots,
        "/a.png": ok(picture, "image/png"),
        "/private/b.png": ok(png(tmp_path / "b.png", "green"), "image/png"),
        "/tagged.png": tagged,
    }
    with serve(routes) as front, serve({"/c.png": ok(png(tmp_path / "c.png", "black"), "image/png")}) as bare:
        rows = [{"id": path.strip("/"), "url": front.url(path)} for path in ("/a.png", "/private/b.png", "/tagged.png")]
        rows.append({"id": "c.png", "url": bare.url("/c.png")})
        download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1, "robots": "respect"}
        config = settings(workspace, rows, download=download, export={"format": "coco"}, run={"max_failed": 0})
        first = run(config, workspace)
        assert first.items == {"planned": 4, "ok": 2, "failed": 0, "skipped": 2, "quarantined": 0}
        assert first.failures_by_code == {"robots": 2}
        found = manifest(Path(config.output_place))
        assert {key: row.robots for key, row in found.items() if row.status == "ok"} == {
            "a.png": "robots.txt allows",
            "c.png": "no robots.txt",
        }
        assert "/robots.txt disallows it for rushes" in str(found["private/b.png"].error)
        assert "X-Robots-Tag: noai" in str(found["tagged.png"].error)
        stats = json.loads((Path(config.output_place) / "stats.json").read_bytes())
        assert stats["robots"] == {"no robots.txt": 1, "robots.txt allows": 1}
        assert "/private/b.png" not in front.paths()

        rules[0], tag[0] = b"", "all"
        second = run(config, workspace)
        assert second.items["ok"] == 4
        assert second.fetched == 2
