"""Killed at any step of the aggregation and of the publishing, the output is the old dataset or the new one, whole."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.plan import Plan
from rushes.summary.aggregate import aggregate
from rushes.summary.outcome import RunOutcome, load_outcome
from rushes.summary.publish import begin
from rushes.summary.verify import verify_dataset
from rushes.workspace import Batch, Workspace
from tests.rushes.runs import png, run, settings
from tests.rushes.summary.test_aggregate import content
from tests.rushes.summary.test_mend import exported

_STEPS = frozenset({"open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "shutil.rmtree"})
_WRITING = os.O_WRONLY | os.O_RDWR


def forked(work: Callable[[], object], below: Path, last: int | None = None) -> int:
    """Does something in a process of its own, which kills itself before a certain step; returns how many it came to.

    A step is whatever changes a file or a folder below a place.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        steps = 0

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal steps
            if event not in _STEPS or not any(str(below) in str(one) for one in arguments):
                return
            if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & _WRITING):
                return
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)
            steps += 1
            os.write(writer, b".")

        sys.addaudithook(hook)
        try:
            work()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as told:
        steps = len(told.read())
    os.waitpid(child, 0)
    return steps


def config_of(workspace: Workspace, size: int) -> Pipeline:
    rows: list[dict[str, object]] = [
        {"id": name, "url": f"{name}.png", "split": "train", "annotations": [{"class": "cat", "box": [1, 2, size, 9]}]}
        for name in ("a", "b")
    ]
    return settings(workspace, rows)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    png(tmp_path / "a.png")
    png(tmp_path / "b.png", "blue")
    return Workspace(tmp_path / "work")


def test_at_each_step_the_dataset_is_the_old_one_or_the_new_one(workspace: Workspace, tmp_path: Path) -> None:
    output = Path(config_of(workspace, 8).output_place)
    run(config_of(workspace, 9), workspace)
    new = content(output)
    run(config_of(workspace, 8), workspace)
    old = content(output)
    assert old != new
    config = config_of(workspace, 9)
    plan, batches = exported(config, workspace)
    steps = forked(lambda: aggregate(config, workspace, plan.run, batches), tmp_path)
    assert content(output) == new
    published = [number for number in range(steps) if number % (steps // 4) == 0 or number > steps - 5]
    for last in published:
        run(config_of(workspace, 8), workspace)
        plan, batches = exported(config_of(workspace, 9), workspace)
        assert forked(_aggregating(config, workspace, plan, batches), tmp_path, last) == last
        found = content(output)
        assert found in (old, new), (last, steps)
        assert verify_dataset(output).intact
    run(config_of(workspace, 9), workspace)
    assert content(output) == new
    assert [path.name for path in output.parent.iterdir() if path.name.startswith(f".{output.name}")] == []


def test_killed_at_any_step_and_done_again_it_comes_to_the_same(workspace: Workspace, tmp_path: Path) -> None:
    config, output = config_of(workspace, 9), Path(config_of(workspace, 9).output_place)

    def begun() -> Callable[[], RunOutcome]:
        run(config_of(workspace, 8), workspace)
        return _aggregating(config, workspace, *exported(config, workspace))

    steps = forked(begun(), tmp_path)
    new = content(output)
    for last in (number for number in range(steps) if number % (steps // 4) == 0 or number > steps - 12):
        work = begun()
        assert forked(work, tmp_path, last) == last
        ended = work()
        assert content(output) == new, (last, steps)
        assert verify_dataset(output).intact
        assert load_outcome(workspace, ended.run)
        assert (ended.items["ok"], ended.files, ended.changed_manifest, ended.dataset) == (2, 2, False, str(output))
        assert ended.since
        assert [path.name for path in output.parent.iterdir() if path.name.startswith(f".{output.name}")] == []


def _aggregating(
    config: Pipeline, workspace: Workspace, plan: Plan, batches: Sequence[Batch]
) -> Callable[[], RunOutcome]:
    return lambda: aggregate(config, workspace, plan.run, batches)


def test_where_names_cannot_be_exchanged_the_next_run_brings_the_old_dataset_back(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rushes.summary.publish._exchanged", lambda *_: False)
    output = Path(config_of(workspace, 8).output_place)
    run(config_of(workspace, 8), workspace)
    old = content(output)
    config = config_of(workspace, 9)
    plan, batches = exported(config, workspace)
    whole = forked(_aggregating(config, workspace, plan, batches), output.parent)
    new = content(output)
    for last in range(whole - 6, whole):
        run(config_of(workspace, 8), workspace)
        plan, batches = exported(config_of(workspace, 9), workspace)
        forked(_aggregating(config, workspace, plan, batches), output.parent, last)
        begin(output)
        assert content(output) in (old, new)
