"""What people in Prefect see of a run: sums that agree, the next step of each failure, and nothing harmful."""

from __future__ import annotations

import html
from pathlib import Path

from markdown_it import MarkdownIt
from msgspec.structs import replace

from rushes.jsonl import write_lines
from rushes.pipeline_file import validate
from rushes.records import ManifestRow
from rushes.summary.outcome import RunOutcome
from rushes.summary.shown import examples, failure_table, markdown
from rushes.workspace import Workspace

PIPELINE = validate({"name": "street-scenes", "source": "a.csv", "workspace": "work"}, "test")
ENDED = RunOutcome(
    run="20261125T020000000000Z-abcd",
    items={"planned": 2003, "ok": 2000, "failed": 2, "skipped": 0, "quarantined": 1},
    failures_by_code={"checksum_mismatch": 1, "http_status": 2},
    work={
        "download": {"batches": 3, "done": 2000, "stopped": 2, "changed": 0, "bytes": 4_200_000_000, "busy_s": 400.0},
        "export": {"batches": 3, "done": 2000, "stopped": 0, "changed": 0, "bytes": 0, "busy_s": 0.0},
    },
    over_limit=False,
    dataset="/data/street-scenes",
    files=2000,
    manifest_sha256="ab" * 32,
    changed_manifest=True,
    since={"run": "20261124T020000000000Z-1234", "counts": {"added": 3, "vanished": 0, "status": 0, "labels": 1200}},
    report=True,
    elapsed_s=512.0,
)


def test_the_summary_says_what_ran_what_came_of_it_and_where_it_is() -> None:
    lines = markdown(PIPELINE, ENDED, {}).splitlines()
    assert lines[0] == r"# street\-scenes"
    planned = "2,003 planned = 2,000 ok + 2 failed + 0 skipped + 1 quarantined."
    assert f"**2,000 of 2,003 items are ok**, after 8.53 min. {planned}" in lines
    assert "- Dataset: 2,000 files in `/data/street-scenes`" in lines
    assert f"- Manifest: `manifest.jsonl`, sha256 `{'ab' * 32}`" in lines
    assert "- Report: `/data/street-scenes/report.html`" in lines
    assert "Since run `20261124T020000000000Z-1234`: 3 added, 1,200 with other labels." in lines
    assert "| download | 2,000 | 2 | 4.2 GB | 6.67 min | 5 |" in lines
    assert "| export | 2,000 | 0 | 0 B | 0 s |  |" in lines


def test_each_code_has_its_next_step_and_links_to_some_of_its_items() -> None:
    failed = {"http_status": [("a", "https://host/a.mp4"), ("b", "s3://bucket/b.mp4")]}
    lines = markdown(PIPELINE, ENDED, failed).splitlines()
    table = [line for line in lines if line.startswith("| `")]
    assert table[0].startswith("| `http_status` | 2 | [a](https://host/a.mp4), b | 404, 410: the item is gone.")
    assert table[1].startswith("| `checksum_mismatch` | 1 |  | Find out which is right")


def test_a_failed_run_says_so_first_and_that_the_old_dataset_stays() -> None:
    lines = markdown(PIPELINE, replace(ENDED, over_limit=True, dataset="/data/a.failed"), {}).splitlines()
    assert lines[2].startswith("**The run failed.** 3 of 2003 items failed")
    assert "- Dataset: 2,000 files in `/data/a.failed`, beside the one before, which stays" in lines


def test_what_did_not_change_is_told_from_what_is_the_first() -> None:
    same = replace(ENDED, changed_manifest=False, since={"run": "r", "counts": {"added": 0}})
    assert "Since run `r` nothing changed: the manifest is the same, byte for byte." in markdown(PIPELINE, same, {})
    assert "It is the first dataset here" in markdown(PIPELINE, replace(ENDED, since=None), {})
    ingest = markdown(PIPELINE, replace(ENDED, dataset=None, since=None, work={}, failures_by_code={}), {})
    assert "Dataset" not in ingest
    assert "It is the first" not in ingest
    assert "There was nothing to fetch" in ingest


def test_names_and_messages_from_outside_are_harmless(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    evil = '<img src="http://tracker/x.png">[x](javascript:alert(1))'
    row = ManifestRow(
        id=evil, source="javascript:alert(1)", status="failed", stage="download", error_code="http_status", error=evil
    )
    write_lines(workspace.run(ENDED.run) / "failures.jsonl", [row])
    ended = replace(ENDED, messages=(evil,))
    shown = MarkdownIt("gfm-like", {"linkify": False}).render(markdown(PIPELINE, ended, examples(workspace, ended)))
    assert not any(mark in shown for mark in ("<img", "<a", "<script"))
    assert shown.count(html.escape(evil)) == 2
    (told,) = failure_table(workspace, ended)
    assert not any(mark in cell for cell in told.values() for mark in ("<img", "]("))
    assert told["what happened"].replace("\u200b", "") == evil
    assert told["what to do"].startswith("404, 410: the item is gone.")
