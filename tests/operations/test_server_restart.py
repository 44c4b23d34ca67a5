"""A Prefect server that is killed in the middle of a run and comes back: the run goes on meanwhile, and completes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.demo_run import digests
from tests.night import Night, until
from tests.operations.slow import NAME, begin, settings


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("deployment", ["pipeline", "threads"])
def test_a_run_outlives_its_server(
    parts: Night, media: Path, undisturbed: dict[str, str], tmp_path: Path, deployment: str
) -> None:
    work = tmp_path / "work"
    parts.start_worker()
    run = begin(parts, f"pipeline/{deployment}", settings(media, work))
    parts.kill("server")
    made = len(list(work.glob("chunks/**/0*.mp4")))
    if deployment == "pipeline":  # who takes its place has never spoken with the server
        assert parts.kill_all("ray::chunks")
    else:
        until(lambda: len(list(work.glob("chunks/**/0*.mp4"))) != made, parts.log)
    until(lambda: any(work.glob("chunks/**/.0*.part.mp4")) or not any(work.glob("chunks/**/0*.mp4")), parts.log)
    parts.start_server()
    lease = parts.flow_run(run)["state"]["state_details"]["deployment_concurrency_lease_id"]
    assert deployment == "threads" or lease
    if lease:  # renewed every few minutes by the run, which ends where the server has forgotten it
        parts.ask("POST", f"v2/concurrency_limits/leases/{lease}/renew", {"lease_duration": 300})
    ended = parts.ended(run)
    assert (ended["state_type"], ended["run_count"]) == ("COMPLETED", 1), ended["state"]
    assert digests(work / "datasets" / NAME) == undisturbed
    shown = {artifact["key"] for artifact in parts.ask("POST", "artifacts/filter", {})}
    assert f"{NAME}-summary" in shown
