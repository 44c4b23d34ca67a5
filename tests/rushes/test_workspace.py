"""The workspace: one run at a time, and one that cannot be used says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rushes.errors import ConfigError, StorageError, WorkspaceBusyError
from rushes.workspace import Workspace, locked
from tests.rushes.export.makers import pipeline


def test_a_second_run_is_refused_until_the_first_one_ends(tmp_path: Path) -> None:
    workspace = str(tmp_path / "deep" / "work")
    with locked(workspace), pytest.raises(WorkspaceBusyError, match="another run is at work here"), locked(workspace):
        pass
    with locked(workspace):
        pass


def test_who_is_refused_is_told_which_run_is_at_work(tmp_path: Path) -> None:
    place = str(tmp_path / "work")
    with locked(place, "of before"):
        pass
    said = rf"run is at work here: streets 2026-11-25 02:00, process {os.getpid()} on host \S+, since 20\d\d-.* UTC\. "
    with locked(place, "streets 2026-11-25 02:00"):
        for _ in range(2):  # who is refused leaves what stands there
            with pytest.raises(WorkspaceBusyError, match=said), locked(place, "another"):
                pass


def test_a_holder_that_did_not_sign_is_another_run(tmp_path: Path) -> None:
    with locked(str(tmp_path)):
        (tmp_path / "lock").write_bytes(b"of an older release")
        with pytest.raises(WorkspaceBusyError, match=r"another run is at work here\. Wait"), locked(str(tmp_path)):
            pass


def test_a_workspace_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "work"):
        with pytest.raises(StorageError, match=f"{path}: cannot be a workspace"), locked(str(path)):
            pass


@pytest.mark.parametrize("output", [".", "..", "../../.."])
def test_an_output_that_holds_the_workspace_is_refused_because_it_would_be_replaced(
    tmp_path: Path, output: str
) -> None:
    workspace = Workspace(tmp_path / "data" / "deep" / "work")
    with pytest.raises(ConfigError, match=r"output = .*: expected a folder that does not hold the workspace"):
        pipeline(workspace, output=str(workspace.root / output))
    assert pipeline(workspace, output=str(tmp_path / "data" / "other")).output


def test_an_output_in_the_workspace_is_where_it_stands_by_default(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work")
    assert pipeline(workspace, name="a").output_place == str(tmp_path / "work" / "datasets" / "a")
    assert pipeline(workspace, output=str(tmp_path / "work" / "out")).output
