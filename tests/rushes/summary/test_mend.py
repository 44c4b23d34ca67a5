"""Damage to what batches hand over is found before a dataset is made of it, said, and mended by that batch alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.errors import LedgerError
from rushes.export.batch import export_batch
from rushes.plan import Plan, load_plan
from rushes.results import results
from rushes.summary.aggregate import aggregate
from rushes.summary.begin import begin_export
from rushes.summary.outcome import RunOutcome, load_outcome
from rushes.summary.output import building
from rushes.workspace import Batch, Workspace
from tests.damages import DAMAGES, flip_in_text
from tests.rushes.runs import ingest, png, run, settings
from tests.rushes.summary.test_aggregate import content

ROWS: list[dict[str, object]] = [
    {"id": name, "url": f"{name}.png", "split": "train", "annotations": [{"class": "cat", "box": [1, 2, 8, 9]}]}
    for name in ("one", "two", "three")
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for number, name in enumerate(("one", "two", "three"), 8):
        png(tmp_path / f"{name}.png", size=(64, number * 4))
    return Workspace(tmp_path / "work")


def config_of(workspace: Workspace) -> Pipeline:
    return settings(workspace, ROWS, run={"batch_size": 1, "max_failed": 1}, export={"format": "coco"})


def exported(config: Pipeline, workspace: Workspace) -> tuple[Plan, Sequence[Batch]]:
    """Does all but the aggregation."""
    plan = ingest(config, workspace)
    batches = begin_export(config, workspace, plan.run)
    for batch in batches:
        with building(config.output_place) as folder:
            export_batch(config, workspace, batch, folder, plan.classes)
    return plan, batches


def undisturbed(workspace: Workspace) -> dict[str, bytes]:
    other = Workspace(workspace.root.with_name("undisturbed"))
    config = config_of(other)
    run(config, other)
    return content(Path(config.output_place))


FILES = ["rows.jsonl", "files.jsonl", "parts.jsonl", "seal.json"]


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_hand_over_is_named_and_only_its_batch_is_exported_again(
    workspace: Workspace, name: str, kind: str
) -> None:
    config = config_of(workspace)
    plan, batches = exported(config, workspace)
    folder = workspace.run(plan.run) / "export"
    target = folder / f"{batches[1].name}.{name}"
    others = {path: path.stat().st_ino for path in folder.iterdir() if not path.name.startswith(batches[1].name)}
    DAMAGES[kind](target)
    ended = aggregate(config, workspace, plan.run, batches)
    assert content(Path(config.output_place)) == undisturbed(workspace)
    said = [message for message in ended.messages if "damaged" in message]
    assert len(said) == 1
    assert target.name in said[0]
    assert {path: path.stat().st_ino for path in others} == others


def test_the_line_is_named_where_it_can_be_told(workspace: Workspace) -> None:
    config = config_of(workspace)
    plan, batches = exported(config, workspace)
    DAMAGES["garbage_line"](workspace.run(plan.run) / "export" / f"{batches[0].name}.rows.jsonl")
    ended = aggregate(config, workspace, plan.run, batches)
    assert (
        f"{batches[0].name}.rows.jsonl, line 2: damaged; batch {batches[0].name} is exported again"
        in (ended.messages[0])
    )


def test_where_the_batch_itself_cannot_be_read_the_old_dataset_stays(workspace: Workspace) -> None:
    config = config_of(workspace)
    run(config, workspace)
    before = content(Path(config.output_place))
    plan, batches = exported(config, workspace)
    DAMAGES["zeros"](workspace.run(plan.run) / "export" / f"{batches[0].name}.rows.jsonl")
    DAMAGES["zeros"](workspace.run(plan.run) / "export.jsonl")
    with pytest.raises(LedgerError, match=r"export\.jsonl"):
        aggregate(config, workspace, plan.run, batches)
    assert content(Path(config.output_place)) == before


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind not in ("garbage_line", "remove")])
def test_a_damaged_result_is_named_and_left_out_of_the_figures(workspace: Workspace, kind: str) -> None:
    config = config_of(workspace)
    plan, batches = exported(config, workspace)
    target = min((workspace.run(plan.run) / "results").glob("download-*"))
    DAMAGES[kind](target)
    ended = aggregate(config, workspace, plan.run, batches)
    assert (ended.work["download"]["batches"], ended.work["checksum"]["batches"]) == (2, 3)
    assert [target.name in message for message in ended.messages if "damaged" in message] == [True]
    assert content(Path(config.output_place)) == undisturbed(workspace)


@pytest.mark.parametrize("kind", [kind for kind in DAMAGES if kind != "remove"])
def test_a_damaged_plan_stops_its_run_and_no_other(workspace: Workspace, kind: str) -> None:
    config = config_of(workspace)
    plan, batches = exported(config, workspace)
    path = workspace.run(plan.run) / "plan.json"
    DAMAGES[kind](path)
    with pytest.raises(LedgerError, match=r"plan\.json"):
        load_plan(workspace, plan.run)
    with pytest.raises(LedgerError, match=r"plan\.json"):
        aggregate(config, workspace, plan.run, batches)
    assert not Path(config.output_place).exists()
    run(config, workspace)
    assert content(Path(config.output_place)) == undisturbed(workspace)


def test_a_damaged_outcome_is_said_and_hinders_no_forecast(workspace: Workspace) -> None:
    from rushes.preview.forecast import forecast

    config = config_of(workspace)
    ended: RunOutcome = run(config, workspace)
    path = workspace.run(ended.run) / "outcome.json"
    flip_in_text(path)
    with pytest.raises(LedgerError, match=r"outcome\.json: damaged"):
        load_outcome(workspace, ended.run)
    for result in (workspace.run(ended.run) / "results").iterdir():
        flip_in_text(result)
    assert list(results(workspace, ended.run)) == []
    assert forecast(config, workspace, offline=True).items["unchanged"] == 3
    run(config, workspace)
    assert content(Path(config.output_place)) == undisturbed(workspace)
