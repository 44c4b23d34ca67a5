"""Every hostile archive is refused with its code, leaves nothing behind, and touches nothing outside the workspace."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rushes.records import Rejection
from rushes.workspace import Workspace
from tests.hostile_archives import CASES, LIMITS, Case, table
from tests.rushes.files.archives import tree
from tests.rushes.runs import ended, ingest, settings


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path: Path, case: Case) -> None:
    workspace = Workspace(tmp_path / "sub" / "work")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "sub").mkdir()
    content = case.make()
    (tmp_path / "sub" / "pack").write_bytes(content)
    config = settings(workspace, [{"id": "bad", "url": "pack"}], download={"unpack": LIMITS})
    outside = tree(tmp_path, without="sub/work")
    outcome = ended(config, workspace, ingest(config, workspace))["bad"]
    assert isinstance(outcome, Rejection)
    assert (outcome.code, outcome.status, outcome.stage) == ("archive", "quarantined", "unpack"), outcome.message
    assert re.match(f"bad: .*({case.said})", outcome.message), outcome.message
    assert tree(tmp_path, without="sub/work") == outside
    assert not any(path.exists() for path in (Path("/etc/evil"), Path("/evil"), Path("/etc/cron.d/evil")))
    assert [path.read_bytes() for path in workspace.path("media").rglob("*") if path.is_file()] == [content]
    assert list(workspace.incoming.iterdir()) == []
    assert not workspace.path("unpacked").exists()


def test_the_table_names_each_case_once() -> None:
    assert len({case.what for case in CASES}) == len(CASES) >= 80
    assert not [case.what for case in CASES if re.search(r"[|;\n]", case.what)]


def test_the_page_of_archives_has_this_table() -> None:
    page = (Path(__file__).parents[3] / "docs/archives.md").read_text()
    assert table() in page, "Put what `python -m tests.hostile_archives` prints into docs/archives.md."
