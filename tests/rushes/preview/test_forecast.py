"""A look tells what the next run then does, and leaves no trace."""

from __future__ import annotations

import contextlib
import hashlib
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.items import STATES
from rushes.pipeline_file import validate
from rushes.plan import Plan
from rushes.preview import sizes
from rushes.preview.forecast import Forecast, forecast
from rushes.preview.text import lines
from rushes.results import results, work_done
from rushes.storage import open_storage
from rushes.workspace import Workspace, locked, opened
from tests import storages
from tests.http_server import Answer, Handler, Server, ok, redirect, serve, status, steady, validated
from tests.rushes.runs import ingest, png, run, run_apart, settings

COLOURS = ("red", "green", "blue", "white", "black")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, bytes]:
    return {name: png(tmp_path / f"{name}.png", name) for name in COLOURS}


@pytest.fixture
def routes() -> dict[str, Answer]:
    return {}


@pytest.fixture
def server(routes: dict[str, Answer], pictures: dict[str, bytes]) -> Iterator[Server]:
    """Has the pictures, with validators, until a test says otherwise."""
    routes |= {f"/{name}.png": validated(body, f'"{name}"') for name, body in pictures.items()}

    def answer(handler: Handler) -> None:
        routes[handler.path](handler)

    with serve(dict.fromkeys(routes, answer)) as running:
        yield running


def rows_of(
    server: Server, names: Sequence[str] = COLOURS, sums: Mapping[str, bytes] | None = None
) -> list[Mapping[str, object]]:
    """Returns rows for these pictures; those in `sums` promise that content."""
    digests = {name: hashlib.sha256(body).hexdigest() for name, body in (sums or {}).items()}
    return [
        {"id": name, "url": server.url(f"/{name}.png")} | ({"checksum": digests[name]} if name in digests else {})
        for name in names
    ]


def tree(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in sorted(folder.rglob("*"))}


def gets(server: Server) -> int:
    count = sum(request.method == "GET" for request in server.requests)
    server.requests.clear()
    return count


def proven(config: Pipeline, workspace: Workspace, server: Server | None = None, changed: int = 0) -> Forecast:
    """Looks, runs, and compares: items by state, requests, bytes and media.

    `changed` is how many of the items that are asked will turn out to be other ones, which a look cannot know.
    """
    before = tree(workspace.root.parent)
    found = forecast(config, workspace)
    assert tree(workspace.root.parent) == before
    if server:
        assert gets(server) == 0
    plan = ingest(config, workspace)
    assert found.items == named(plan)
    stages = work_done(results(workspace, plan.run))
    done = {name: stages[name] if name in stages else dict.fromkeys(("done", "stopped", "bytes"), 0) for name in STAGES}
    if not found.ask:  # a source that still has what was no media is one more that stopped
        assert done["download"]["done"] + done["download"]["stopped"] == found.fetch
        assert done["transcode"]["done"] + done["transcode"]["stopped"] == found.make - done["download"]["stopped"]
    assert done["transcode"]["done"] + done["transcode"]["stopped"] <= found.make + changed
    if server:
        assert gets(server) == found.fetch + found.ask
    if not changed:
        assert done["download"]["bytes"] == found.fetch_bytes
    return found


STAGES = ("download", "transcode")


def named(plan: Plan) -> dict[str, int]:
    names = {"again": "failed_before"}
    return {"planned": plan.planned} | {names.get(name, name): getattr(plan, name) for name in STATES}


def states(found: Forecast) -> Mapping[str, int]:
    return {name: count for name, count in found.items.items() if count and name != "planned"}


def test_a_first_run_and_one_with_nothing_changed(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows_of(server))
    first = proven(config, workspace, server)
    assert (states(first), first.fetch, first.ask, first.make) == ({"new": 5}, 5, 0, 5)
    second = proven(config, workspace, server)
    assert (states(second), second.fetch, second.ask, second.make) == ({"unchanged": 5}, 0, 5, 0)


def test_nobody_is_asked_where_the_pipeline_or_a_checksum_says_so(
    workspace: Workspace, server: Server, pictures: dict[str, bytes]
) -> None:
    download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1, "revalidate": False}
    config = settings(workspace, rows_of(server, sums={"red": pictures["red"]}), download=download)
    proven(config, workspace, server)
    again = proven(config, workspace, server)
    assert (states(again), again.fetch, again.ask, again.unasked) == ({"unchanged": 5}, 0, 0, 4)


def test_what_changes_at_its_source_only_asking_can_tell(
    workspace: Workspace, server: Server, routes: dict[str, Answer], pictures: dict[str, bytes]
) -> None:
    config = settings(workspace, rows_of(server))
    proven(config, workspace, server)
    routes["/red.png"] = validated(pictures["blue"], '"other"')
    assert proven(config, workspace, server, changed=1).ask == 5


def test_what_failed_before_is_tried_and_what_was_no_media_is_asked(
    workspace: Workspace, server: Server, routes: dict[str, Answer]
) -> None:
    routes |= {"/red.png": status(404), "/blue.png": validated(b"<html>", '"page"'), "/white.png": ok(b"<html><p>")}
    config = settings(workspace, rows_of(server))
    first = proven(config, workspace, server)
    assert (states(first), first.fetch) == ({"new": 5}, 5)
    second = proven(config, workspace, server)
    assert states(second) == {"failed_before": 3, "unchanged": 2}
    assert (second.fetch, second.ask) == (2, 3)


def test_a_changed_recipe_fetches_nothing_and_makes_all(
    workspace: Workspace, server: Server, pictures: dict[str, bytes]
) -> None:
    rows = rows_of(server, sums=pictures)
    proven(settings(workspace, rows), workspace, server)
    found = proven(settings(workspace, rows, transcode={"profile": "web"}), workspace, server)
    assert (states(found), found.fetch, found.ask, found.make) == ({"remake": 5}, 0, 0, 5)


def test_rows_that_come_and_go_and_doubled_ones(workspace: Workspace, server: Server) -> None:
    proven(settings(workspace, rows_of(server, COLOURS[:4])), workspace, server)
    rows = [*rows_of(server, COLOURS[1:]), rows_of(server, ["red"])[0], rows_of(server, ["red"])[0], {"id": "no"}]
    found = proven(settings(workspace, rows), workspace, server)
    assert states(found) == {"new": 1, "unchanged": 4, "rejected": 2}
    assert (found.fetch, found.ask) == (1, 4)


def test_one_file_behind_two_rows_is_one_request(workspace: Workspace, server: Server) -> None:
    rows = [{"id": name, "url": server.url("/red.png")} for name in "ab"]
    found = proven(settings(workspace, rows), workspace, server)
    assert (states(found), found.fetch, found.make) == ({"new": 2}, 1, 1)


def test_checksums_that_changed_and_files_that_were_deleted_from_the_store(
    workspace: Workspace, server: Server, routes: dict[str, Answer], pictures: dict[str, bytes]
) -> None:
    proven(settings(workspace, rows_of(server, sums=pictures)), workspace, server)
    routes["/red.png"] = ok(pictures["red"] + b"\0" * 10)
    other = pictures | {"red": pictures["red"] + b"\0" * 10}
    workspace.path(f"media/{(name := hashlib.sha256(pictures['blue']).hexdigest())[:2]}/{name}.png").unlink()
    before = tree(workspace.root)
    found = forecast(settings(workspace, rows_of(server, sums=other)), workspace)
    assert tree(workspace.root) == before
    assert states(found) == {"changed": 1, "new": 1, "unchanged": 3}
    server.requests.clear()
    plan = ingest(settings(workspace, rows_of(server, sums=other)), workspace)
    assert (named(plan), gets(server)) == (found.items, found.fetch)


def test_local_files_that_were_touched_have_the_size_that_they_have(
    workspace: Workspace, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    config = settings(workspace, [{"url": f"{name}.png"} for name in pictures] + [{"url": "gone.png"}])
    first = proven(config, workspace)
    assert (first.fetch, first.fetch_bytes) == (6, sum(map(len, pictures.values())))
    png(tmp_path / "red.png", size=(500, 500))
    second = proven(config, workspace)
    assert states(second) == {"changed": 1, "failed_before": 1, "unchanged": 4}
    assert second.fetch_bytes == (tmp_path / "red.png").stat().st_size


def test_a_look_works_while_a_run_holds_the_workspace(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows_of(server))
    with locked(str(workspace.root)):
        before = tree(workspace.root)
        assert forecast(config, workspace).fetch == 5
        assert tree(workspace.root) == before


def test_looks_at_a_run_that_is_at_work_see_it_come_on(
    workspace: Workspace, server: Server, routes: dict[str, Answer], pictures: dict[str, bytes]
) -> None:
    routes |= {f"/{name}.png": steady(body, 20, 0.01) for name, body in pictures.items()}
    download = {"allow_private_hosts": ["127.0.0.1"], "concurrency": 1}
    config = settings(workspace, rows_of(server), download=download, run={"batch_size": 1})
    with ThreadPoolExecutor(1) as pool:
        at_work = pool.submit(ingest, config, workspace)
        seen = [forecast(config, workspace, offline=True) for _ in iter(at_work.done, True)]
        at_work.result()
    assert {found.items["planned"] for found in seen} == {5}
    left = [found.fetch for found in seen]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) > 2
    assert forecast(config, workspace).fetch == 0


def test_a_workspace_that_is_not_there_is_not_made(workspace: Workspace, server: Server) -> None:
    assert forecast(settings(workspace, rows_of(server)), workspace).items["new"] == 5
    assert not workspace.root.exists()


def test_a_few_of_many_are_asked_for_their_size_and_none_while_offline(workspace: Workspace, tmp_path: Path) -> None:
    bodies = {f"/{number}.png": b"x" * (1000 + number) for number in range(500)}
    with serve(bodies) as server:
        config = settings(workspace, [{"url": server.url(path)} for path in bodies])
        found = forecast(config, workspace, offline=True)
        assert (server.requests, found.fetch_bytes, found.fetch) == ([], None, 500)
        found = forecast(config, workspace)
        assert {request.method for request in server.requests} == {"HEAD"}
        assert len(server.requests) == 20
        assert found.fetch_bytes == pytest.approx(sum(map(len, bodies.values())), rel=0.02)
        assert "500 by 20 of 20 that were asked" in found.basis["fetch_bytes"]


def test_what_would_fail_brings_no_bytes_and_redirects_are_followed(
    workspace: Workspace, server: Server, routes: dict[str, Answer], pictures: dict[str, bytes]
) -> None:
    routes |= {"/red.png": status(404), "/blue.png": redirect("/white.png"), "/black.png": status(405)}
    found = forecast(settings(workspace, rows_of(server, ["red", "blue", "black"])), workspace)
    assert found.fetch_bytes == round(len(pictures["white"]) / 2 * 3)
    assert "2 of 3" in found.basis["fetch_bytes"]


def test_a_look_does_not_wait_for_hosts_that_ask_for_time(
    workspace: Workspace, server: Server, routes: dict[str, Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "WITHIN_S", 0.5)
    routes |= {path: status(429, Retry_After=30) for path in routes}
    download = {"allow_private_hosts": ["127.0.0.1"], "per_host": 1}
    start_s = time.monotonic()
    found = forecast(settings(workspace, rows_of(server), download=download), workspace)
    assert time.monotonic() - start_s < 5
    assert (found.fetch, found.fetch_bytes) == (5, None)


def test_what_robots_may_not_have_brings_no_bytes(workspace: Workspace, server: Server) -> None:
    rules = {"/robots.txt": b"User-agent: *\nDisallow: /", "/a.png": b"x" * 1000}
    with serve(rules) as strict:
        download = {"allow_private_hosts": ["127.0.0.1"], "robots": "respect"}
        config = settings(workspace, [{"url": strict.url("/a.png")}], download=download)
        assert forecast(config, workspace).fetch_bytes == 0
        assert strict.paths() == ["/robots.txt"]


def test_hosts_that_may_not_be_reached_are_not_asked_either(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows_of(server), download={"allow_private_hosts": []})
    assert forecast(config, workspace).fetch_bytes == 0
    assert server.requests == []


def test_an_earlier_run_tells_sizes_and_speeds(
    workspace: Workspace, server: Server, pictures: dict[str, bytes]
) -> None:
    config = settings(workspace, rows_of(server, COLOURS[:3]))
    first = forecast(config, workspace)
    assert "no earlier run" in first.basis["eta_s"]
    ran = run(config, workspace)
    found = forecast(settings(workspace, rows_of(server)), workspace, offline=True)
    mean = sum(len(pictures[name]) for name in COLOURS[:3]) / 3
    assert found.fetch_bytes == round(2 * mean)
    assert found.basis["fetch_bytes"] == "2 by the mean of earlier runs"
    assert ran.run in found.basis["eta_s"]
    assert found.eta_s is not None
    assert 0 <= found.eta_s < 10 * ran.elapsed_s


def test_seconds_of_video_come_from_the_ledger(workspace: Workspace, tmp_path: Path) -> None:
    from tests.rushes.video.clips import coloured

    coloured(tmp_path / "a.mp4", frames=20)
    rows = [{"url": "a.mp4"}]
    plain = settings(workspace, rows)
    ingest(plain, workspace)
    web = settings(workspace, rows, transcode={"profile": "web"})
    found = forecast(web, workspace)
    assert (states(found), found.make, found.fetch) == ({"remake": 1}, 1, 0)
    assert found.transcode_s == pytest.approx(2.0, abs=0.1)
    assert forecast(plain, workspace).transcode_s == 0
    assert found.disk.derived == (tmp_path / "a.mp4").stat().st_size


def test_archives_hold_what_nobody_knows_before_they_were_opened(
    workspace: Workspace, pictures: dict[str, bytes], tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "three.zip", "w") as archive:
        for name in COLOURS[:3]:
            archive.writestr(f"{name}.png", pictures[name])
    rows = [{"url": "three.zip"}, {"url": "white.png"}]
    config = settings(workspace, rows)
    first = forecast(config, workspace)
    assert (states(first), first.fetch, first.make, first.archives) == ({"new": 2}, 2, 1, 1)
    assert "1 media at most and what is in 1 archives" in "\n".join(lines(first))
    ingest(config, workspace)
    second = forecast(config, workspace)
    assert (states(second), second.fetch, second.make, second.archives) == ({"unchanged": 2}, 0, 0, 0)
    assert forecast(settings(workspace, rows, transcode={"profile": "web"}), workspace).make == 4


def test_a_workspace_in_a_storage_is_looked_at_and_left_as_it_is(server: Server, tmp_path: Path) -> None:
    with storages.s3() as place:
        source = settings(Workspace(tmp_path / "work"), rows_of(server)).source
        data = {"name": "far", "source": source, "workspace": f"{place}/far", "run": {"max_failed": 1}}
        config = validate(data | {"download": {"allow_private_hosts": ["127.0.0.1"]}}, "test")
        with opened(config.workspace_place) as far:
            found = forecast(config, far)
        assert (states(found), found.disk.free) == ({"new": 5}, None)
        run_apart(config)
        with contextlib.closing(open_storage(config.workspace_place)) as storage:
            before = {entry.name: entry for entry in storage.list()}
            with opened(config.workspace_place) as far:
                again = forecast(config, far)
            assert {entry.name: entry for entry in storage.list()} == before
        assert (states(again), again.fetch, again.ask) == ({"unchanged": 5}, 0, 5)
        assert "speeds of" in again.basis["eta_s"]


def test_the_words_hold_the_figures(workspace: Workspace, server: Server) -> None:
    found = forecast(settings(workspace, rows_of(server)), workspace)
    text = "\n".join(lines(found))
    assert "5 planned = 5 new, 0 changed, 0 failed before" in text
    assert "5 items, " in text
    assert "0 s of video" in text


def test_a_source_without_rows_and_one_that_must_be_fetched_offline_are_said(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match="no rows"):
        forecast(settings(workspace, []), workspace)
    remote = settings(workspace, []).model_copy(update={"source": "https://example.org/items.csv"})
    with pytest.raises(ConfigError, match="offline"):
        forecast(remote, workspace, offline=True)
