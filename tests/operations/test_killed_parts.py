"""A worker of Prefect's, a worker process of Ray's, or a whole machine goes in the middle of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.demo_run import ROOT, digests
from tests.night import Night, until
from tests.operations.slow import NAME, begin, settings

pytestmark = pytest.mark.timeout(1500)


def test_ray_tries_again_what_a_killed_worker_process_was_at(
    parts: Night, media: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    parts.start_worker()
    run = begin(parts, "pipeline/pipeline", settings(media, tmp_path / "work"))
    assert parts.kill_all("ray::chunks")
    ended = parts.ended(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]
    assert digests(tmp_path / "work/datasets" / NAME) == undisturbed


def test_a_run_outlives_the_prefect_worker_that_began_it(
    parts: Night, media: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    parts.start_worker()
    run = begin(parts, "pipeline/pipeline", settings(media, tmp_path / "work"))
    parts.kill("worker")
    ended = parts.ended(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]
    assert digests(tmp_path / "work/datasets" / NAME) == undisturbed


def test_a_run_whose_machine_goes_is_found_by_its_heartbeat_and_the_next_one_goes_on(
    parts: Night, media: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    automation: dict[str, Any] = yaml.safe_load((ROOT / "deployments/automations/crash-zombies.yaml").read_text())
    automation["trigger"]["within"] = 100
    made = parts.ask("POST", "automations/", automation)["id"]
    config = settings(media, tmp_path / "work")
    parts.start_worker()
    often = {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
    run = begin(parts, "pipeline/pipeline", config, job_variables=often)
    parts.kill_worker()
    assert parts.flow_run(run)["state_type"] == "RUNNING"

    parts.start_worker()
    again = parts.begin("pipeline/pipeline", config)
    until(lambda: parts.flow_run(run)["state_type"] == "CRASHED", parts.log)
    ended = parts.ended(again)
    parts.ask("DELETE", f"automations/{made}")
    assert ended["state_type"] == "COMPLETED", ended["state"]
    assert digests(tmp_path / "work/datasets" / NAME) == undisturbed
