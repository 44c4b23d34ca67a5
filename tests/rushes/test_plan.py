"""The plan: what a run has to do, as the rows and the ledgers of earlier runs say."""

from __future__ import annotations

import hashlib
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from rushes.config import Pipeline
from rushes.items import STATES, PlanItem, source_key
from rushes.jsonl import read_lines
from rushes.plan import latest_run, load_plan, make_plan, new_run
from rushes.records import Media, Source
from rushes.workspace import Workspace
from tests.rushes.runs import codes, ended, ingest, png, settings

SIGNED = "https://me:pw@host.example/a.png?X-Amz-Signature={}"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def counts(plan: object) -> dict[str, int]:
    return {name: number for name in STATES if (number := getattr(plan, name))}


def test_every_row_is_counted_once_under_one_state(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    rows = [{"id": "a", "url": "a.png"}, {"id": "a", "url": "a.png"}, {"id": "gone", "url": "gone.png"}, {"id": "no"}]
    config = settings(workspace, rows)
    plan = ingest(config, workspace)
    assert (plan.planned, counts(plan)) == (4, {"new": 2, "rejected": 2})
    again = make_plan(config, workspace, new_run())
    assert (again.planned, counts(again)) == (4, {"again": 1, "unchanged": 1, "rejected": 2})


def test_a_plan_reads_back_as_it_was_written_and_the_latest_is_found(workspace: Workspace) -> None:
    assert latest_run(workspace) is None
    config = settings(workspace, [{"url": "a.png", "label": "cat"}])
    make_plan(config, workspace, new_run())
    plan = make_plan(config, workspace, new_run())
    assert latest_run(workspace) == plan.run
    assert load_plan(workspace, plan.run) == plan
    assert plan.classes == ("cat",)


def test_plans_may_hold_credentials_so_only_their_owner_reads_them(workspace: Workspace) -> None:
    plan = make_plan(settings(workspace, [{"url": SIGNED.format("hush")}]), workspace, new_run())
    for name in ("items.jsonl", "ingest.jsonl"):
        assert stat.S_IMODE((workspace.run(plan.run) / name).stat().st_mode) == 0o600


def test_a_file_behind_two_rows_is_fetched_once(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    config = settings(workspace, [{"id": "one", "url": "a.png"}, {"id": "two", "url": "a.png"}])
    plan = ingest(config, workspace)
    assert (plan.new, sum(batch.count for batch in plan.batches)) == (2, 1)
    assert set(ended(config, workspace, plan)) == {"one", "two"}


def test_a_url_that_is_signed_anew_is_the_same_item_and_another_checksum_is_another() -> None:
    assert source_key(Source("a", SIGNED.format("x"))) == source_key(Source("b", SIGNED.format("y")))
    assert source_key(Source("a", SIGNED.format("x"))) != source_key(Source("a", SIGNED.format("x"), checksum="md5:0"))


def test_a_local_file_that_was_touched_is_changed(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    config = settings(workspace, [{"url": "a.png"}])
    ingest(config, workspace)
    png(tmp_path / "a.png", size=(50, 50))
    assert counts(ingest(config, workspace)) == {"changed": 1}
    assert counts(ingest(config, workspace)) == {"unchanged": 1}


def test_a_row_whose_checksum_changed_is_changed_and_one_that_was_mended_failed_before(
    workspace: Workspace, tmp_path: Path
) -> None:
    sums = {name: hashlib.sha256(png(tmp_path / f"{name}.png", name)).hexdigest() for name in ("red", "blue")}

    def rows(red: str, blue: str) -> Pipeline:
        found = {"red": red, "blue": blue}
        return settings(workspace, [{"url": f"{name}.png", "checksum": sums[found[name]]} for name in found])

    assert counts(ingest(rows("red", "red"), workspace)) == {"new": 2}
    assert counts(ingest(rows("blue", "blue"), workspace)) == {"changed": 1, "again": 1}
    assert counts(ingest(rows("red", "blue"), workspace)) == {"unchanged": 2}


def test_another_recipe_fetches_nothing_and_the_first_one_again_makes_nothing(
    workspace: Workspace, tmp_path: Path
) -> None:
    png(tmp_path / "a.png")
    plain, web = (settings(workspace, [{"url": "a.png"}], transcode=made) for made in (None, {"profile": "web"}))
    ingest(plain, workspace)
    assert counts(ingest(web, workspace)) == {"remake": 1}
    assert counts(make_plan(plain, workspace, new_run())) == {"unchanged": 1}


def test_a_file_that_vanished_from_the_store_is_fetched_again(workspace: Workspace, tmp_path: Path) -> None:
    content = png(tmp_path / "a.png")
    config = settings(workspace, [{"url": "a.png"}])
    ingest(config, workspace)
    (stored,) = workspace.root.glob("media/*/*")
    stored.unlink()
    assert counts(ingest(config, workspace)) == {"new": 1}
    assert stored.read_bytes() == content


@pytest.mark.parametrize("turned", [False, True])
def test_a_file_that_was_cut_short_in_the_store_is_made_good(
    workspace: Workspace, tmp_path: Path, turned: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    config = settings(workspace, [{"id": "a", "url": "a.jpg"}], transcode={"profile": "web"})
    (media,) = ended(config, workspace, ingest(config, workspace)).values()
    assert isinstance(media, Media)
    path = workspace.path(media.path)
    content = path.read_bytes()
    path.write_bytes(content[:100])
    assert codes(config, workspace, make_plan(config, workspace, new_run())) == {"a": "not_ingested"}
    assert counts(ingest(config, workspace)) == ({"remake": 1} if turned else {"new": 1})
    assert path.read_bytes() == content


def test_what_a_killed_run_left_half_done_is_removed(workspace: Workspace) -> None:
    left = ["incoming/key", "media/ab/.x.part", "derived/r/ab/.y.part.mp4", "derived/f/ab/.frames-1/0.jpg"]
    kept = ["media/ab/ab.png", "derived/r/ab/ab.mp4"]
    for name in left + kept:
        workspace.path(name).parent.mkdir(parents=True, exist_ok=True)
        workspace.path(name).touch()
    make_plan(settings(workspace, [{"url": "a.png"}]), workspace, new_run())
    assert [name for name in left + kept if workspace.path(name).exists()] == kept


def test_run_ids_sort_by_time() -> None:
    moments = [datetime(2026, 1, day, 23, 59, 59, 999999, tzinfo=UTC) for day in range(1, 20)]
    ids = [new_run(moment) for moment in moments]
    assert sorted(ids) == ids


def test_classes_stand_in_the_order_of_the_source(workspace: Workspace) -> None:
    labels = [{"class": "b", "box": [0, 0, 1, 1]}, {"class": "a", "box": [0, 0, 1, 1]}]
    rows: list[dict[str, object]] = [
        {"id": "1", "url": "1.png", "annotations": labels},
        {"id": "2", "url": "2.png", "label": "c"},
    ]
    plan = make_plan(settings(workspace, rows), workspace, new_run())
    assert plan.classes == ("b", "a", "c")
    assert len(list(read_lines(workspace.run(plan.run) / "items.jsonl", PlanItem))) == 2
