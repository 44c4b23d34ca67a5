"""A whole run, and one that fails, as an OpenLineage endpoint hears of them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from tests.e2e.demo_run import run
from tests.lineage_endpoint import endpoint
from tests.rushes.runs import png

_PIPELINE = """
name: followed
source: items.csv
output: ./dataset
export: {format: coco}
run: {max_failed: 0}
"""


def test_a_run_and_one_that_fails_are_heard_of_at_their_beginning_and_their_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    png(tmp_path / "a.png")
    (tmp_path / "pipeline.yaml").write_text(_PIPELINE)
    with endpoint() as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        for rows, code in (("a.png\n", 0), ("a.png\ngone.png\n", 1)):
            (tmp_path / "items.csv").write_text(f"url\n{rows}")
            ended = run(tmp_path / "pipeline.yaml", "--runner", "threads", dataset="dataset")
            assert ended.code == code, ended.stderr
            assert "OpenLineage" not in ended.stderr
    assert [event["eventType"] for event in received] == ["START", "COMPLETE", "START", "FAIL"]
    assert {event["job"]["name"] for event in received} == {"pipeline.followed"}
    runs = [UUID(event["run"]["runId"]) for event in received]
    assert runs[0] == runs[1] != runs[2] == runs[3]
    (written,) = received[1]["outputs"]
    assert written["name"] == str(tmp_path / "dataset")
    assert written["outputFacets"]["outputStatistics"]["fileCount"] == 1
    assert "gone.png" not in received[3]["run"]["facets"]["errorMessage"]["message"]
    assert received[3]["run"]["facets"]["errorMessage"]["message"].startswith("run_failed: 1 of 2 items failed")
