"""Batches: every record once, in order, in ranges worth a task run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from rushes.batches import cut
from rushes.jsonl import read_lines
from rushes.workspace import Batch, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "work")


def lines(workspace: Workspace, batch: Batch) -> list[int]:
    return list(read_lines(workspace.path(batch.plan), int, batch.offset, batch.count))


def test_batches_hold_at_least_as_many_records_as_are_worked_on_at_a_time(workspace: Workspace) -> None:
    path = workspace.run("run") / "ingest.jsonl"
    costs = [40.0, 1.0, 1.0, 40.0, 1.0, 1.0, 9.0, 9.0]
    assert [batch.count for batch in cut(path, enumerate(costs), "run", workspace, None, least=3)] == [3, 3, 2]
    assert [batch.count for batch in cut(path, enumerate(costs), "run", workspace, 5, least=3)] == [5, 3]


@pytest.mark.parametrize("size", [1, 3, 10, None])
@pytest.mark.parametrize("costs", [[], [1.0], [1.0] * 10, [40.0, 1.0, 1.0, 40.0, 1.0]])
def test_batches_hold_every_record_once_and_in_order(
    workspace: Workspace, size: int | None, costs: list[float]
) -> None:
    path = workspace.run("run") / "ingest.jsonl"
    batches = cut(path, enumerate(costs), "run", workspace, size)
    assert [number for batch in batches for number in lines(workspace, batch)] == list(range(len(costs)))
    assert all(first.name < second.name for first, second in pairwise(batches))
    assert not size or all(batch.count <= size for batch in batches)


def test_an_expensive_item_ends_its_batch_and_cheap_ones_share_one(workspace: Workspace) -> None:
    batches = cut(workspace.run("run") / "x.jsonl", enumerate([40.0, *[0.001] * 40]), "run", workspace, None)
    assert [batch.count for batch in batches] == [1, 40]


def test_however_many_items_there_are_a_run_has_a_few_hundred_batches(workspace: Workspace) -> None:
    assert len(cut(workspace.run("run") / "x.jsonl", enumerate([60.0] * 2000), "run", workspace, None)) <= 300
