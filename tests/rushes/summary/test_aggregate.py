"""The last word: a dataset that adds up, that is the same however it was cut, and that verifies."""

from __future__ import annotations

import csv
import json
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rushes.errors import AccountingError, ConfigError
from rushes.summary.outcome import ingest_outcome, load_outcome
from rushes.summary.shown import examples, failure_table, markdown
from rushes.summary.text import failure
from rushes.summary.verify import UNLISTED, verify_dataset
from rushes.workspace import Workspace
from tests.http_server import serve, status
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import export, ingest, manifest, png, run, settings
from tests.rushes.video.clips import coloured

ROWS: list[dict[str, object]] = [
    {"id": "a", "url": "a.png", "split": "train", "annotations": [{"class": "cat", "box": [1, 2, 8, 9]}]},
    {"id": "b", "url": "b.png", "split": "val", "annotations": []},
    {"id": "twin", "url": "b.png", "split": "val", "note": "ü"},
    {"id": "gone", "url": "gone.png"},
    {"id": "page", "url": "page.png"},
    {"id": "page", "url": "page.png"},
    {"url": ""},
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    png(tmp_path / "a.png")
    png(tmp_path / "b.png", "blue")
    (tmp_path / "page.png").write_text("<!doctype html>")
    return Workspace(tmp_path / "work")


def content(dataset: Path) -> dict[str, bytes]:
    """Returns all files of a dataset but those that hold times."""
    paths = (
        path
        for path in dataset.rglob("*")
        if path.is_file() and path.name not in ("export_summary.json", "report.html")
    )
    return {path.relative_to(dataset).as_posix(): path.read_bytes() for path in paths}


def test_every_planned_row_stands_in_the_manifest_and_the_counts_agree(workspace: Workspace) -> None:
    config = settings(workspace, ROWS)
    ended = run(config, workspace)
    rows = manifest(Path(config.output_place))
    statuses = [row.status for row in rows.values()]
    assert len(rows) == len(ROWS) == ended.items["planned"]
    assert ended.items == {"planned": 7, "ok": 3, "failed": 2, "skipped": 1, "quarantined": 1}
    assert {status: statuses.count(status) for status in set(statuses)} == {
        key: number for key, number in ended.items.items() if key != "planned"
    }
    stats = json.loads((Path(config.output_place) / "stats.json").read_bytes())
    assert stats["items"] == ended.items
    assert stats["failures_by_code"] == ended.failures_by_code
    assert sum(ended.failures_by_code.values()) == 4
    failures = (Path(config.output_place) / "failures.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in failures] == [key for key, row in rows.items() if row.status != "ok"]
    index = json.loads((Path(config.output_place) / "file_index.json").read_bytes())["files"]
    assert {path: entry["id"] for path, entry in index.items()} == {
        row.path: key for key, row in rows.items() if row.path
    }
    assert ended.files == len(index) == 3
    assert load_outcome(workspace, ended.run) == ended


def test_a_dataset_verifies_and_sha256sum_says_so_too(workspace: Workspace) -> None:
    config = settings(workspace, ROWS)
    run(config, workspace)
    assert verify_dataset(Path(config.output_place)).intact
    told = subprocess.run(
        ["sha256sum", "--strict", "-c", "checksums.sha256"], cwd=Path(config.output_place), capture_output=True
    )
    assert told.returncode == 0, told.stderr
    listed = (Path(config.output_place) / "checksums.sha256").read_text().count("\n")
    assert listed == len([name for name in content(Path(config.output_place)) if name not in UNLISTED])


@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_the_same_source_gives_the_same_bytes_however_it_is_cut_and_however_often(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    found = []
    for number, size in enumerate((1, 3, "auto", "auto")):
        again = workspace if number == 3 else Workspace(tmp_path / f"work{number}")
        config = settings(again, ROWS, run={"batch_size": size, "max_failed": 1}, export={"format": name})
        run(config, again)
        if number == 3:
            run(config, again)
        found.append(content(Path(config.output_place)))
    assert all(one == found[0] for one in found)


@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_a_source_of_failures_only_is_a_whole_dataset_of_nothing(workspace: Workspace, name: str) -> None:
    config = settings(workspace, [{"id": "gone", "url": "gone.png"}], export={"format": name})
    ended = run(config, workspace)
    assert (ended.items["ok"], ended.files) == (0, 0)
    assert verify_dataset(Path(config.output_place)).intact


def test_a_source_without_rows_is_refused_and_the_last_dataset_stays(workspace: Workspace) -> None:
    config = settings(workspace, ROWS)
    run(config, workspace)
    before = content(Path(config.output_place))
    with pytest.raises(ConfigError, match="has no rows"):
        run(settings(workspace, []), workspace)
    assert content(Path(config.output_place)) == before


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(workspace: Workspace, tmp_path: Path) -> None:
    found = []
    for number, (encoding, end) in enumerate((("utf-8", "\n"), ("utf-8-sig", "\r\n"))):
        with (tmp_path / "items.csv").open("w", encoding=encoding, newline="") as file:
            writer = csv.writer(file, lineterminator=end)
            writer.writerows([["url", "label", "note"], ["a.png", "cat", "x, y"], ["b.png", "dog", ""]])
        other = Workspace(tmp_path / f"work{number}")
        config = pipeline(other, source=str(tmp_path / "items.csv"))
        run(config, other)
        found.append(content(Path(config.output_place)))
    assert found[0] == found[1]


def test_a_lost_or_a_doubled_row_stops_the_publishing(workspace: Workspace) -> None:
    config = settings(workspace, ROWS)
    run(config, workspace)
    before = content(Path(config.output_place))
    plan = ingest(config, workspace)
    items = workspace.run(plan.run) / "items.jsonl"
    lines = items.read_bytes().splitlines(keepends=True)
    for other in (lines[:-1], [*lines, lines[0]]):
        items.write_bytes(b"".join(other))
        with pytest.raises(AccountingError, match=r"7 items were planned and [68] ended"):
            export(config, workspace, plan)
    assert content(Path(config.output_place)) == before


def test_too_many_failures_do_not_replace_a_good_dataset(workspace: Workspace) -> None:
    good = settings(workspace, ROWS[:2], run={"max_failed": 0})
    run(good, workspace)
    before = content(Path(good.output_place))
    bad = settings(workspace, ROWS, run={"max_failed": 0.1})
    ended = run(bad, workspace)
    assert ended.over_limit
    assert ended.dataset == f"{bad.output_place}.failed"
    assert content(Path(bad.output_place)) == before
    assert "3 of 7 items failed (42.9%), more than run.max_failed = 10.0%" in (failure(ended, 0.1) or "")


@pytest.mark.parametrize("name", ["yolo", "coco", "webdataset"])
def test_a_run_of_which_nothing_comes_does_not_replace_a_good_dataset(workspace: Workspace, name: str) -> None:
    into = {"format": name, "classes": ["cat"]}
    good = settings(workspace, ROWS[:2], export=into)
    run(good, workspace)
    before = content(Path(good.output_place))
    rows = [{"id": "gone", "url": "gone.png"}, {"id": "page", "url": "page.png"}, {"id": "page", "url": "page.png"}]
    ended = run(settings(workspace, rows, export=into), workspace)
    assert (ended.over_limit, ended.empty, ended.files) == (False, True, 0)
    assert ended.dataset == f"{good.output_place}.failed"
    assert content(Path(good.output_place)) == before
    assert json.loads((Path(f"{good.output_place}.failed") / "export_summary.json").read_bytes())["empty"]
    told = failure(ended, 1) or ""
    assert told.startswith("None of 3 items came into the dataset: bad_url 1, duplicate_row 1, not_media 1.")
    assert f"{good.output_place}.failed/failures.jsonl" in told


def test_videos_alone_in_a_dataset_of_images_fail_the_run_and_it_says_what_to_set(workspace: Workspace) -> None:
    good = settings(workspace, ROWS[1:2])
    run(good, workspace)
    before = content(Path(good.output_place))
    coloured(workspace.root.parent / "v.mp4")
    videos = settings(workspace, [{"id": "v", "url": "v.mp4"}])
    plan = ingest(videos, workspace)
    tally = ingest_outcome(videos, workspace, plan.run)
    assert failure(tally, 1) is None
    ended = export(videos, workspace, plan)
    assert ended.items == {"planned": 1, "ok": 0, "failed": 0, "skipped": 1, "quarantined": 0}
    assert content(Path(good.output_place)) == before
    assert "came into the dataset: needs_frames 1. Set `frames`" in (failure(ended, 1) or "")
    assert not run(settings(workspace, [{"id": "v", "url": "v.mp4"}], frames={"every_s": 1.0}), workspace).empty


def test_videos_of_which_no_frame_is_taken_fail_the_run(workspace: Workspace) -> None:
    coloured(workspace.root.parent / "v.mp4")
    videos = settings(workspace, [{"id": "v", "url": "v.mp4"}], frames="annotated")
    ended = run(videos, workspace)
    assert (ended.items["ok"], ended.files, ended.empty) == (1, 0, True)
    assert "1 ended ok, and gave the dataset no file" in (failure(ended, 1) or "")


def test_an_exporter_of_ones_own_may_write_a_dataset_without_media(workspace: Workspace) -> None:
    (workspace.root.parent / "own.py").write_text(
        "from rushes.export import BaseExporter\n\n\nclass Own(BaseExporter):\n"
        "    def process_file_saving(self, data, export_path):\n        self.run.emit('id', data.id)\n"
    )
    export_of = {"format": "own:Own", "code": str(workspace.root.parent), "classes": ["cat"]}
    ended = run(settings(workspace, ROWS[:2], export=export_of), workspace)
    assert (ended.items["ok"], ended.files, ended.empty) == (2, 0, False)
    assert run(settings(workspace, ROWS[3:4], export=export_of), workspace).empty


def test_an_archive_that_is_fine_is_no_item_of_a_dataset(workspace: Workspace) -> None:
    with zipfile.ZipFile(workspace.root.parent / "a.zip", "w") as archive:
        archive.writestr("notes.txt", "no image")
    config = settings(workspace, [{"id": "zip", "url": "a.zip"}])
    plan = ingest(config, workspace)
    for ended in (ingest_outcome(config, workspace, plan.run), export(config, workspace, plan)):
        assert (ended.items["ok"], ended.items["skipped"], ended.empty) == (1, 1, True)


def test_an_ingest_that_brings_nothing_in_fails(workspace: Workspace) -> None:
    config = settings(workspace, [ROWS[3]])
    ended = ingest_outcome(config, workspace, ingest(config, workspace).run)
    assert (failure(ended, 1) or "").startswith("None of 1 items was brought in: bad_url 1.")


def test_the_tally_of_an_ingest_agrees_with_the_dataset(workspace: Workspace) -> None:
    config = settings(workspace, ROWS)
    plan = ingest(config, workspace)
    tally = ingest_outcome(config, workspace, plan.run)
    table = failure_table(workspace, tally)
    ended = export(config, workspace, plan)
    assert (tally.items, tally.failures_by_code) == (ended.items, ended.failures_by_code)
    assert (tally.fetched, tally.made) == (ended.fetched, ended.made) == (3, 2)
    assert table == failure_table(workspace, ended)


def test_nothing_that_people_are_shown_holds_a_credential(workspace: Workspace) -> None:
    with serve({"/a.png": status(403)}) as server:
        url = server.url("/a.png").replace("//", "//me:hunter2@") + "?X-Amz-Signature=hush&page=1"
        config = settings(
            workspace, [{"id": "a", "url": url}, {"id": "b", "url": "gopher://me:hunter2@h/x?token=hush"}]
        )
        ended = run(config, workspace)
    files = content(Path(config.output_place))
    columns = pq.read_table(BytesIO(files.pop("manifest.parquet")))  # compressed, so its bytes would tell nothing
    shown = (
        b"".join(files.values()).decode()
        + str(columns.to_pylist())
        + markdown(config, ended, examples(workspace, ended))
        + str(failure_table(workspace, ended))
    )
    kept = "".join(path.read_text() for path in workspace.root.glob("ledger/*/*"))
    assert "page=1" in shown
    assert not any(secret in shown + kept for secret in ("hunter2", "hush"))


def test_a_run_knows_where_the_share_of_failures_went_since_the_one_before(workspace: Workspace) -> None:
    moved = []
    for count in (1, 1, 3, 2):
        rows = [{"url": "a.png"}, *({"url": f"gone-{number}.png"} for number in range(count))]
        moved.append(run(settings(workspace, rows, run={"max_failed": 0}), workspace).failed_share_moved)
    assert moved == ["first", "same", "rose", "fell"]
