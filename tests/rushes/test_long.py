"""Long videos in a run: left, encoded in chunks by whoever, and joined to the same bytes however often it is killed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.long import LongPlan, chunk_batch, plan_long
from rushes.media import recipe_of
from rushes.plan import Plan, make_plan, new_run
from rushes.progress import run_progress, run_totals
from rushes.records import Media
from rushes.results import results, work_done
from rushes.video import transcode_video
from rushes.video.binaries import find
from rushes.workspace import Workspace
from tests.rushes.files.archives import zip_of
from tests.rushes.runs import codes, ended, ingest, leaving, settings
from tests.rushes.video.clips import coloured

LONG = {"preset": "ultrafast", "crf": 30, "split_s": 2}
CODEC = ("-c:v", "mpeg4", "-q:v", "2", "-g", "10")  # not what is asked for, so that it is encoded


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coloured(tmp_path_factory.mktemp("clip") / "long.mkv", *CODEC, frames=81)


@pytest.fixture
def here(tmp_path: Path, long_clip: Path) -> Path:
    """A folder with a long clip, a short one, and room for a workspace."""
    shutil.copy(long_clip, tmp_path / "long.mkv")
    coloured(tmp_path / "short.mkv", *CODEC, frames=12)
    return tmp_path


def config_of(here: Path, *names: str, **more: object) -> tuple[Pipeline, Workspace]:
    workspace = Workspace(here / "work")
    rows = [{"id": name, "url": name} for name in names]
    return settings(workspace, rows, **({"transcode": LONG} | more)), workspace


def begun(config: Pipeline, workspace: Workspace) -> tuple[Plan, LongPlan]:
    """Does a run's steps up to the chunks."""
    plan = make_plan(config, workspace, new_run())
    for batch in plan.batches:
        for step in (download_batch, checksum_batch, leaving):
            step(config, workspace, batch)
    return plan, plan_long(config, workspace, plan.run)


def chunks_here(workspace: Workspace) -> dict[str, int]:
    return {name: workspace.path(name).stat().st_mtime_ns for name in workspace.names("chunks")}


def expected(config: Pipeline, here: Path) -> bytes:
    return transcode_video(here / "long.mkv", here / "expected.mp4", config.transcode_config).read_bytes()


def made_of(config: Pipeline, workspace: Workspace, plan: Plan, name: str) -> Media:
    found = ended(config, workspace, plan)[name]
    assert isinstance(found, Media)
    return found


def test_a_long_video_is_left_made_in_chunks_and_joined(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv", "short.mkv")
    plan = ingest(config, workspace)
    made = made_of(config, workspace, plan, "long.mkv")
    assert workspace.path(made.path).read_bytes() == expected(config, here)
    assert (made.action, made.info.frames) == ("transcoded", 81)
    assert "one pass" not in made.reason
    work = work_done(results(workspace, plan.run))
    assert (work["chunks"]["done"], work["chunks"]["stopped"]) == (4, 0)
    assert (work["transcode"]["done"], work["transcode"]["stopped"]) == (2, 0)
    assert (run_progress(workspace, plan.run)["chunks"], run_totals(workspace, plan.run)["chunks"]) == (4, 4)
    assert list(workspace.names("chunks")) == []
    again = ingest(config, workspace)
    assert (again.unchanged, again.chunks, again.batches) == (2, False, ())


def test_without_leaving_the_bytes_are_the_same(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv")
    plan = make_plan(config, workspace, new_run())
    for step in (download_batch, checksum_batch, transcode_batch):
        step(config, workspace, plan.batches[0])
    made = made_of(config, workspace, plan, "long.mkv")
    assert workspace.path(made.path).read_bytes() == expected(config, here)
    assert list(workspace.names("chunks")) == []


def test_a_run_that_was_killed_amid_the_chunks_is_gone_on_with(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv")
    _, long = begun(config, workspace)
    assert [batch.count for batch in long.chunks] == [4]
    first = long.chunks[0]
    chunk_batch(config, workspace, first.__class__("part", first.run, first.plan, first.offset, 2))
    before = chunks_here(workspace)
    (workspace.path(next(iter(before))).parent / ".0002.0123abcd.part.mp4").write_bytes(b"half")
    assert len(before) == 2
    plan, long = begun(config, workspace)
    assert plan.chunks
    assert chunks_here(workspace) == before
    assert chunk_batch(config, workspace, long.chunks[0]).done == 2
    assert {name: time for name, time in chunks_here(workspace).items() if name in before} == before
    transcode_batch(config, workspace, long.videos[0])
    made = made_of(config, workspace, plan, "long.mkv")
    assert workspace.path(made.path).read_bytes() == expected(config, here)
    assert list(workspace.names("chunks")) == []


def test_a_run_that_was_killed_after_the_join_needs_no_chunks_and_sweeps_them(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv")
    plan, long = begun(config, workspace)
    chunk_batch(config, workspace, long.chunks[0])
    kept = {name: workspace.path(name).read_bytes() for name in workspace.names("chunks")}
    transcode_batch(config, workspace, long.videos[0])
    derived = workspace.path(made_of(config, workspace, plan, "long.mkv").path)
    before = derived.stat().st_ino
    for name, content in kept.items():  # killed before they went, and before the ledger had its line
        workspace.path(name).parent.mkdir(parents=True, exist_ok=True)
        workspace.path(name).write_bytes(content)
    shutil.rmtree(workspace.ledger("media"))
    plan = ingest(config, workspace)
    assert plan.chunks
    assert made_of(config, workspace, plan, "long.mkv").path == workspace.relative(derived)
    assert derived.stat().st_ino == before
    assert list(workspace.names("chunks")) == []


def test_chunks_of_rows_that_are_gone_and_of_other_recipes_go(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv", "short.mkv")
    _, long = begun(config, workspace)
    chunk_batch(config, workspace, long.chunks[0])
    assert len(chunks_here(workspace)) == 4
    other, _ = config_of(here, "long.mkv", transcode=LONG | {"crf": 31})
    _, long = begun(other, workspace)
    assert chunks_here(workspace) == {}
    chunk_batch(other, workspace, long.chunks[0])
    folder = workspace.path("chunks") / recipe_of(other.transcode_config)
    assert {workspace.path(name).is_relative_to(folder) for name in chunks_here(workspace)} == {True}
    without, _ = config_of(here, "short.mkv")
    assert ingest(without, workspace).chunks
    assert chunks_here(workspace) == {}


def test_what_is_in_an_archive_or_behind_two_rows_is_made_in_chunks_once(here: Path) -> None:
    clip = (here / "long.mkv").read_bytes()
    (here / "a.zip").write_bytes(zip_of({"in/it.mkv": clip}))
    shutil.copy(here / "long.mkv", here / "same.mkv")
    config, workspace = config_of(here, "long.mkv", "a.zip", "same.mkv", run={"batch_size": 1, "max_failed": 1})
    plan = ingest(config, workspace)
    assert set(codes(config, workspace, plan).values()) == {"ok"}
    work = work_done(results(workspace, plan.run))
    assert (work["chunks"]["done"], work["transcode"]["done"]) == (4, 1)
    paths = {made_of(config, workspace, plan, name).path for name in ("long.mkv", "a.zip/in/it.mkv", "same.mkv")}
    assert [workspace.path(path).read_bytes() for path in paths] == [expected(config, here)]


def test_what_does_not_come_out_in_chunks_is_made_in_one_pass_and_says_so(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv")
    plan, long = begun(config, workspace)
    chunk_batch(config, workspace, long.chunks[0])
    first, *_, last = sorted(workspace.names("chunks"))
    shutil.copy(workspace.path(last), workspace.path(first))
    transcode_batch(config, workspace, long.videos[0])
    made = made_of(config, workspace, plan, "long.mkv")
    assert made.reason.endswith("in one pass, because its chunks did not come out frame for frame")
    whole, _ = config_of(here, "long.mkv", transcode=LONG | {"split_s": 0})
    assert workspace.path(made.path).read_bytes() == expected(whole, here)
    assert list(workspace.names("chunks")) == []


def test_chunks_that_cannot_be_made_fail_no_batch_and_the_item_says_why(here: Path) -> None:
    config, workspace = config_of(here, "long.mkv")
    plan, long = begun(config, workspace)
    stored = next(path for path in workspace.path("media").rglob("*.mkv"))
    content = stored.read_bytes()
    stored.unlink()
    assert chunk_batch(config, workspace, long.chunks[0]).stopped == 4
    assert transcode_batch(config, workspace, long.videos[0]).stopped == 1
    stored.write_bytes(content)
    assert codes(config, workspace, plan) == {"long.mkv": "storage"}
    plan = ingest(config, workspace)
    assert codes(config, workspace, plan) == {"long.mkv": "ok"}


def test_a_batch_runs_as_many_encoders_at_a_time_as_it_has_cores(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting, ffmpeg = here / "meeting", here / "ffmpeg"
    meeting.mkdir()
    # An encoder that works only once another one is there, too.
    ffmpeg.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *libx264*) mkdir "{meeting}/$$"; turn=0; while [ "$(ls "{meeting}" | wc -l)" -lt 2 ]; do\n'
        "  turn=$((turn + 1)); [ $turn -lt 300 ] || exit 3; sleep 0.1; done;; esac\n"
        f'exec "{find("ffmpeg")}" "$@"\n'
    )
    ffmpeg.chmod(0o755)
    coloured(here / "other.mkv", *CODEC, frames=14)
    monkeypatch.setenv("RUSHES_FFPROBE", str(find("ffprobe")))
    monkeypatch.setenv("RUSHES_FFMPEG", str(ffmpeg))
    config, workspace = config_of(here, "short.mkv", "other.mkv", run={"transcode_cores": 2, "max_failed": 1})
    plan = make_plan(config, workspace, new_run())
    for step in (download_batch, checksum_batch):
        step(config, workspace, plan.batches[0])
    assert plan.batches[0].count == 2
    assert transcode_batch(config, workspace, plan.batches[0], workers=2).done == 2
    assert len(list(meeting.iterdir())) == 2
