"""The join: every row of the plan meets what became of its bytes, under its own name and with its own labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.join import outcomes, plan_export
from rushes.jsonl import read_lines
from rushes.plan import make_plan, new_run
from rushes.records import Media, Outcome, Rejection
from rushes.workspace import Workspace
from tests.rushes.runs import codes, ended, ingest, png, settings

BOX = {"box": [1, 2, 3, 4]}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def test_outcomes_stand_in_the_order_of_the_source(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    rows = [{"id": "z", "url": "a.png"}, {"id": "bad"}, {"id": "gone", "url": "no.png"}, {"id": "a", "url": "a.png"}]
    config = settings(workspace, rows)
    assert list(codes(config, workspace, ingest(config, workspace)).items()) == [
        ("z", "ok"),
        ("bad", "bad_row"),
        ("gone", "bad_url"),
        ("a", "ok"),
    ]


def test_one_content_behind_two_rows_keeps_the_labels_of_each(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(png(tmp_path / "a.png"))
    rows: list[dict[str, object]] = [
        {"id": "a", "url": "a.png", "split": "val", "annotations": [{"class": "cat"} | BOX], "note": 1},
        {"id": "b", "url": "b.png", "split": "train", "annotations": [{"class": "dog"} | BOX], "note": 2},
        {"id": "c", "url": "b.png"},
    ]
    config = settings(workspace, rows)
    found = ended(config, workspace, ingest(config, workspace))
    assert len(list(workspace.root.glob("media/*/*"))) == 1
    sources = {key: one.verified.source for key, one in found.items() if isinstance(one, Media)}
    assert {key: source.split for key, source in sources.items()} == {"a": "val", "b": "train", "c": None}
    assert {key: source.attributes for key, source in sources.items()} == {"a": {"note": 1}, "b": {"note": 2}, "c": {}}
    labels = {key: source.annotations and source.annotations[0].label for key, source in sources.items()}
    assert labels == {"a": "cat", "b": "dog", "c": None}


def test_no_outcome_carries_a_credential(workspace: Workspace) -> None:
    config = settings(
        workspace, [{"id": "a", "url": "http://me:pw@127.0.0.1:9/a.png?X-Amz-Signature=hush"}, {"id": "b"}]
    )
    plan = ingest(config, workspace)
    plan_export(config, workspace, plan.run)
    text = (workspace.run(plan.run) / "export.jsonl").read_text()
    assert "hush" not in text
    assert "pw@" not in text


def test_what_no_ingest_brought_in_says_so(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    config = settings(workspace, [{"id": "a", "url": "a.png"}])
    plan = make_plan(config, workspace, new_run())
    (outcome,) = outcomes(config, workspace, plan.run)
    assert isinstance(outcome, Rejection)
    assert (outcome.status, outcome.code, outcome.stage) == ("skipped", "not_ingested", "export")
    ingest(config, workspace)
    other = settings(workspace, [{"id": "a", "url": "a.png"}], transcode={"profile": "web"})
    assert codes(other, workspace, make_plan(other, workspace, new_run())) == {"a": "not_ingested"}


def test_what_vanished_from_the_store_counts_as_not_ingested(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    png(tmp_path / "b.png", "blue")
    config = settings(workspace, [{"id": "a", "url": "a.png"}, {"id": "b", "url": "b.png"}])
    found = ended(config, workspace, ingest(config, workspace))["a"]
    assert isinstance(found, Media)
    workspace.path(found.path).unlink()
    assert codes(config, workspace, make_plan(config, workspace, new_run())) == {"a": "not_ingested", "b": "ok"}


def test_a_group_follows_the_split_that_one_of_its_members_was_given(workspace: Workspace, tmp_path: Path) -> None:
    png(tmp_path / "a.png")
    rows: list[dict[str, object]] = [{"id": f"{n}", "url": "a.png", "group": f"g{n // 3}"} for n in range(30)]
    for number in range(1, 30, 3):
        rows[number]["split"] = "test"
    config = settings(workspace, [*rows, {"id": "alone", "url": "a.png"}])
    found = ended(config, workspace, ingest(config, workspace))
    splits = {key: one.verified.source.split for key, one in found.items() if isinstance(one, Media)}
    assert splits.pop("alone") is None
    assert set(splits.values()) == {"test"}


@pytest.mark.parametrize("size", [1, 3, "auto"])
def test_however_batches_are_cut_they_hold_every_outcome_in_order(
    workspace: Workspace, tmp_path: Path, size: object
) -> None:
    png(tmp_path / "a.png")
    rows = [{"id": str(number), "url": "a.png"} for number in range(7)]
    config = settings(workspace, rows, run={"batch_size": size, "max_failed": 1})
    plan = ingest(config, workspace)
    found: list[Outcome] = []
    for batch in plan_export(config, workspace, plan.run):
        found += read_lines(workspace.path(batch.plan), Outcome, batch.offset, batch.count)
    assert found == list(outcomes(config, workspace, plan.run))
