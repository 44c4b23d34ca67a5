"""Archives as sources: one row becomes many items, each of them planned, made, labelled and accounted for."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.errors import AccountingError
from rushes.export.split import split_of
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.jsonl import read_lines, write_lines
from rushes.members import plan_members
from rushes.plan import Plan, load_plan, make_plan, new_run
from rushes.progress import run_progress, run_totals
from rushes.records import ManifestRow, Media, Rejection, Unpacked
from rushes.results import results, work_done
from rushes.summary.outcome import ingest_outcome
from rushes.summary.verify import verify_dataset
from rushes.workspace import Workspace
from tests.http_server import Server, serve, validated
from tests.rushes.export.makers import pipeline
from tests.rushes.files.archives import tar_of, zip_of
from tests.rushes.runs import codes, ended, export, ingest, manifest, png, run, settings

COLOURS = ("red", "green", "blue", "white", "black", "orange")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


@pytest.fixture
def pictures(tmp_path: Path) -> dict[str, bytes]:
    return {f"set/{colour}.png": png(tmp_path / "made" / f"{colour}.png", colour) for colour in COLOURS}


@pytest.fixture
def server(pictures: dict[str, bytes]) -> Iterator[Server]:
    first, second = dict(list(pictures.items())[:3]), dict(list(pictures.items())[3:])
    extra = {"README.md": b"# what this is", "torn.png": first["set/red.png"][:60], "more.zip": zip_of(second)}
    routes = {
        "/a.zip": validated(zip_of(first | extra), '"1"'),
        "/b.tar.gz": validated(tar_of(second, mode="w:gz"), '"1"'),
    }
    with serve(routes) as running:
        yield running


def rows(server: Server) -> list[dict[str, object]]:
    zipped: dict[str, object] = {
        "id": "zipped",
        "url": server.url("/a.zip"),
        "label": "cat",
        "split": "val",
        "camera": "north",
    }
    return [zipped, {"id": "tarred", "url": server.url("/b.tar.gz"), "group": "night"}]


def state(workspace: Workspace) -> dict[str, bytes]:
    """Returns all that a run leaves for good, but for the ledgers and the plans."""
    kinds = ("media", "derived", "unpacked", "quarantine", "incoming")
    paths = [path for kind in kinds for path in workspace.path(kind).rglob("*") if path.is_file()]
    return {path.relative_to(workspace.root).as_posix(): path.read_bytes() for path in paths}


def content(dataset: Path) -> dict[str, bytes]:
    paths = (
        path
        for path in dataset.rglob("*")
        if path.is_file() and path.name not in ("export_summary.json", "report.html")
    )
    return {path.relative_to(dataset).as_posix(): path.read_bytes() for path in paths}


def test_members_become_items_with_the_archive_as_their_parent(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server))
    done = run(config, workspace)
    found = manifest(Path(config.output_place))
    assert list(found) == [
        "zipped",
        *(f"zipped/set/{colour}.png" for colour in COLOURS[:3]),
        *("zipped/README.md", "zipped/torn.png", "zipped/more.zip"),
        "tarred",
        *(f"tarred/set/{colour}.png" for colour in COLOURS[3:]),
    ]
    assert done.items == {"planned": 11, "ok": 8, "failed": 0, "skipped": 2, "quarantined": 1}
    assert done.failures_by_code == {"corrupt_media": 1, "not_media": 2}
    assert (done.files, done.work["unpack"]["done"], done.made) == (6, 2, 6)
    archives = [found["zipped"], found["tarred"]]
    assert [(row.status, row.action, row.members, row.parent, row.path) for row in archives] == [
        ("ok", "unpacked", 6, None, None),
        ("ok", "unpacked", 3, None, None),
    ]
    assert {row.parent for row in found.values() if row not in archives} == {"zipped", "tarred"}
    assert (found["zipped/README.md"].status, found["zipped/more.zip"].status) == ("skipped", "skipped")
    assert "archive" in (found["zipped/more.zip"].error or "")
    assert found["zipped/torn.png"].status == "quarantined"
    assert verify_dataset(Path(config.output_place)).intact


def test_members_take_over_what_the_row_says(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server))
    run(config, workspace)
    found = manifest(Path(config.output_place))
    red, white = found["zipped/set/red.png"], found["tarred/set/white.png"]
    assert (red.split, red.group, red.attributes) == ("val", None, {"camera": "north"})
    assert red.annotations is not None
    assert red.annotations[0].label == "cat"
    assert (white.group, white.annotations, white.attributes) == ("night", None, {})
    assert len({row.split for row in found.values() if row.group == "night" and row.path}) == 1
    assert red.source == server.url("/a.zip")


def test_members_without_a_split_and_a_group_are_dealt_by_their_own_bytes(workspace: Workspace, tmp_path: Path) -> None:
    many = {f"{number}.png": png(tmp_path / "x.png", f"#{number:06x}") for number in range(0, 4000, 100)}
    (tmp_path / "all.zip").write_bytes(zip_of(many))
    config = settings(workspace, [{"id": "all", "url": "all.zip"}])
    run(config, workspace)
    placed = [row for row in manifest(Path(config.output_place)).values() if row.path]
    assert {row.split for row in placed} == {"train", "val"}
    assert all(row.split == split_of(row.source_sha256 or "", config.export.split) for row in placed)


def test_a_second_run_fetches_unpacks_and_makes_nothing_and_writes_the_same(
    workspace: Workspace, server: Server
) -> None:
    config = settings(workspace, rows(server))
    run(config, workspace)
    before, dataset = state(workspace), content(Path(config.output_place))
    again = run(config, workspace)
    assert (again.fetched, again.made, again.work.get("unpack")) == (0, 0, None)
    assert plan_members(config, workspace, again.run) == ()
    assert (state(workspace), content(Path(config.output_place))) == (before, dataset)


def test_an_archive_that_changed_is_unpacked_again_and_only_its_new_members_are_made(
    workspace: Workspace, pictures: dict[str, bytes]
) -> None:
    names = list(pictures)
    routes = {"/a.zip": validated(zip_of({name: pictures[name] for name in names[:3]}), '"1"')}
    with serve({"/a.zip": lambda handler: routes["/a.zip"](handler)}) as server:
        config = settings(workspace, [{"id": "a", "url": server.url("/a.zip")}])
        assert run(config, workspace).items["ok"] == 4
        routes["/a.zip"] = validated(zip_of({name: pictures[name] for name in names[1:4]}), '"2"')
        done = run(config, workspace)
    assert (done.changed, done.work["unpack"]["done"], done.made) == (1, 1, 1)
    assert [key for key in manifest(Path(config.output_place)) if "/" in key] == [f"a/{name}" for name in names[1:4]]


def test_a_new_recipe_makes_the_members_anew_and_unpacks_nothing(workspace: Workspace, server: Server) -> None:
    run(settings(workspace, rows(server)), workspace)
    done = run(settings(workspace, rows(server), transcode={"profile": "web"}), workspace)
    assert (done.fetched, done.made, done.work.get("unpack")) == (0, 6, None)


def test_new_limits_judge_an_archive_anew(workspace: Workspace, server: Server) -> None:
    def told(**limits: object) -> dict[str, str]:
        download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1, "unpack": limits or None}
        config = settings(workspace, rows(server)[:1], download=download)
        return codes(config, workspace, ingest(config, workspace))

    assert told(max_files=5) == {"zipped": "archive"}
    assert told() == {"zipped": "not_media"}
    assert len(told(max_files=6)) == 7
    assert told(max_files=5) == {"zipped": "archive"}


def test_what_vanished_of_an_archive_is_unpacked_again(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server))
    ingest(config, workspace)
    before = state(workspace)
    for path in (workspace.root / "unpacked").rglob("*.jsonl"):
        first = json.loads(path.read_text().splitlines()[0])
        workspace.path(first["path"]).unlink()
    assert set(codes(config, workspace, ingest(config, workspace)).values()) == {"ok", "not_media", "corrupt_media"}
    assert state(workspace) == before


def test_a_refused_archive_is_not_unpacked_run_after_run(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(zip_of({"../x": b"x"}))
    config = settings(workspace, [{"id": "bad", "url": "bad.zip"}])
    assert codes(config, workspace, ingest(config, workspace)) == {"bad": "archive"}
    plan = ingest(config, workspace)
    assert codes(config, workspace, plan) == {"bad": "archive"}
    assert "unpack" not in work_done(results(workspace, plan.run))


def test_labels_on_an_archive_are_refused_and_none_at_all_may_be_said(workspace: Workspace, server: Server) -> None:
    labelled = rows(server)[1] | {"id": "labelled", "annotations": [{"class": "cat", "box": [1, 2, 3, 4]}]}
    config = settings(workspace, [labelled, rows(server)[1] | {"annotations": []}])
    plan = ingest(config, workspace)
    found = ended(config, workspace, plan)
    assert list(found) == ["labelled", "tarred", *(f"tarred/set/{colour}.png" for colour in COLOURS[3:])]
    refused = found["labelled"]
    assert isinstance(refused, Rejection)
    assert (refused.code, refused.status) == ("bad_annotation", "failed")
    assert "items.jsonl:1: 1 labels on an archive" in refused.message
    white = found["tarred/set/white.png"]
    assert isinstance(white, Media)
    assert white.verified.source.annotations == ()


def test_a_member_is_made_once_whatever_it_came_with(
    workspace: Workspace, server: Server, pictures: dict[str, bytes]
) -> None:
    (workspace.root.parent / "red.png").write_bytes(pictures["set/red.png"])
    config = settings(workspace, [{"id": "red", "url": "red.png"}, *rows(server), rows(server)[0] | {"id": "twin"}])
    done = run(config, workspace)
    assert done.made == 6
    found = manifest(Path(config.output_place))
    assert found["red"].source_sha256 == found["twin/set/red.png"].source_sha256


def test_every_id_is_its_own(workspace: Workspace, tmp_path: Path) -> None:
    picture = png(tmp_path / "a.png")
    inside = {"x.png": picture, "b/x.png": picture, "new\nline.png": picture, "long" * 60 + ".png": picture}
    (tmp_path / "a.zip").write_bytes(zip_of(inside))
    items = [("a", "a.zip"), ("a/b", "a.zip"), ("a/x.png", "a.png"), ("a/b/x.png", "a.png")]
    config = settings(workspace, [{"id": key, "url": url} for key, url in items])
    done = run(config, workspace)
    found = list(read_lines(Path(config.output_place) / "manifest.jsonl", ManifestRow))
    assert len({row.id for row in found}) == len(found) == done.items["planned"] == 12
    assert len({row.path for row in found if row.path}) == done.files == 10
    assert all(len(row.id) <= 200 and row.id.isprintable() for row in found)
    assert [row.id for row in found][-2:] == ["a/x.png", "a/b/x.png"]


def test_a_video_in_an_archive_gives_frames_with_the_member_as_their_parent(
    workspace: Workspace, tmp_path: Path
) -> None:
    from tests.rushes.video.clips import coloured

    coloured(tmp_path / "a.mp4", frames=10)
    (tmp_path / "a.tar").write_bytes(tar_of({"clips/a.mp4": (tmp_path / "a.mp4").read_bytes()}))
    config = settings(workspace, [{"id": "a", "url": "a.tar"}], frames="keyframes")
    done = run(config, workspace)
    assert done.items == {"planned": 2, "ok": 2, "failed": 0, "skipped": 0, "quarantined": 0}
    _, video, *frames = manifest(Path(config.output_place)).values()
    assert (video.id, video.parent, video.frame) == ("a/clips/a.mp4", "a", None)
    assert frames
    assert all((row.parent, row.frame is None) == ("a/clips/a.mp4", False) for row in frames)


def test_the_progress_of_a_run_knows_how_many_members_there_are(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server))
    plan = ingest(config, workspace)
    assert run_totals(workspace, plan.run) == {"members": 9, "chunks": 0, "export": 0}
    assert run_progress(workspace, plan.run)["transcode"] == 2 + 9
    export(config, workspace, plan)
    assert run_totals(workspace, plan.run)["export"] == run_progress(workspace, plan.run)["export"] == 11


def test_the_counts_after_an_ingest_hold_members_too(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server), run={"max_failed": 0})
    plan = ingest(config, workspace)
    counted = ingest_outcome(config, workspace, plan.run)
    assert counted.items == {"planned": 11, "ok": 8, "failed": 0, "skipped": 2, "quarantined": 1}
    assert counted.over_limit
    assert isinstance(ended(config, workspace, plan)["zipped"], Unpacked)


def test_however_batches_are_cut_the_dataset_is_the_same(workspace: Workspace, server: Server, tmp_path: Path) -> None:
    found = []
    for size in (1, 4, "auto"):
        other = Workspace(tmp_path / f"work-{size}")
        config = settings(other, rows(server), run={"batch_size": size, "max_failed": 1})
        run(config, other)
        found.append(content(Path(config.output_place)))
    assert found[0] == found[1] == found[2]


def _steps(source: str, workspace: Workspace, run_name: str) -> None:
    """What a worker process does of a planned run, until it is killed."""
    config = pipeline(workspace, source=source, download={"allow_private_hosts": ["127.0.0.1"]})
    for batch in load_plan(workspace, run_name).batches:
        for step in (download_batch, checksum_batch, transcode_batch):
            step(config, workspace, batch)
    for batch in plan_members(config, workspace, run_name):
        transcode_batch(config, workspace, batch)


def test_a_run_that_is_killed_while_it_unpacks_ends_with_the_same_bytes(workspace: Workspace, tmp_path: Path) -> None:
    noise = {f"{number:04d}.bin": os.urandom(20_000) for number in range(400)}
    picture = {"a.png": png(tmp_path / "a.png")}
    (tmp_path / "a.zip").write_bytes(zip_of(noise | picture, 0))
    (tmp_path / "b.tar").write_bytes(tar_of(picture | noise))
    items = [{"id": "a", "url": "a.zip"}, {"id": "b", "url": "b.tar"}]
    whole = Workspace(tmp_path / "undisturbed")
    config = settings(whole, items)
    run(config, whole)
    expected, dataset = state(whole), content(Path(config.output_place))

    config = settings(workspace, items)
    spawn = multiprocessing.get_context("spawn")
    kills = 0
    for wait_s in (0.0, 0.01, 0.03, 0.08, 0.2):
        plan: Plan = make_plan(config, workspace, new_run())
        worker = spawn.Process(target=_steps, args=(config.source, workspace, plan.run))
        worker.start()
        deadline_s = time.monotonic() + 60
        while not list(workspace.incoming.glob("*.unpack/*")) and worker.is_alive() and time.monotonic() < deadline_s:
            time.sleep(0.001)
        time.sleep(wait_s)
        if worker.is_alive() and worker.pid:
            os.kill(worker.pid, signal.SIGKILL)
            kills += 1
        worker.join(60)
    done = run(config, workspace)
    assert kills >= 3
    assert state(workspace) == expected
    assert content(Path(config.output_place)) == dataset
    assert done.items["planned"] == 2 + 2 * 401


def test_a_row_that_is_missing_after_an_archive_is_an_accounting_error(workspace: Workspace, server: Server) -> None:
    config = settings(workspace, rows(server))
    plan = ingest(config, workspace)
    lines = list(read_lines(workspace.run(plan.run) / "items.jsonl", dict))
    write_lines(workspace.run(plan.run) / "items.jsonl", lines[:1])
    with pytest.raises(AccountingError, match="8 items were planned and 7 ended"):
        export(config, workspace, plan)
