"""The last word: a dataset that adds up, that is the same however it was cut, and that verifies."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest

from rushes.errors import AccountingError, ConfigError
from rushes.summary.outcome import ingest_outcome, load_outcome
from rushes.summary.text import failure_table, markdown, over_limit
from rushes.summary.verify import UNLISTED, verify_dataset
from rushes.workspace import Workspace
from tests.http_server import serve, status
from tests.rushes.export.makers import pipeline
from tests.rushes.runs import export, ingest, manifest, png, run, settings

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
    paths = (path for path in dataset.rglob("*") if path.is_file() and path.name != "export_summary.json")
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
    assert "3 of 7 items failed (42.9%), more than run.max_failed = 10.0%" in over_limit(ended, 0.1)


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
    shown = (
        b"".join(content(Path(config.output_place)).values()).decode()
        + markdown("made", ended)
        + str(failure_table(workspace, ended))
    )
    kept = "".join(path.read_text() for path in workspace.root.glob("ledger/*/*"))
    assert "page=1" in shown
    assert not any(secret in shown + kept for secret in ("hunter2", "hush"))
