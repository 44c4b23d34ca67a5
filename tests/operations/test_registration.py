"""What registering again, and a server that comes up again, leave of what people have set up and of runs that died."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from rushes.config import Pipeline
from tests.e2e.demo_run import ROOT
from tests.night import Night

pytestmark = pytest.mark.timeout(1500)

AUTOMATION = "export when an ingest has finished"
CONFIG = Pipeline(name="lost", source="items.csv").model_dump(mode="json")


def run(parts: Night, module: str) -> str:
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, cwd=ROOT, env=parts.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def schedules(parts: Night, deployment: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = parts.ask("GET", f"deployments/{deployment}/schedules")
    return found


def automation(parts: Night) -> dict[str, Any]:
    [found] = [one for one in parts.ask("POST", "automations/filter", {}) if one["name"] == AUTOMATION]
    return dict(found)


def test_what_people_have_switched_on_or_made_is_there_after_registering(parts: Night) -> None:
    deployment = parts.deployment("pipeline/pipeline")
    [nightly] = schedules(parts, deployment)
    assert not nightly["active"]
    parts.ask("PATCH", f"deployments/{deployment}/schedules/{nightly['id']}", {"active": True})
    made = {"schedule": {"cron": "0 3 * * *", "timezone": "Europe/Oslo"}, "active": False, "parameters": {"a": 1}}
    parts.ask("POST", f"deployments/{deployment}/schedules", [made])
    parts.ask("PATCH", f"automations/{automation(parts)['id']}", {"enabled": True})
    try:
        run(parts, "cli.stack.deploy")
        found = {schedule["schedule"]["cron"]: schedule for schedule in schedules(parts, deployment)}
        assert found["0 2 * * *"]["active"]
        assert found["0 2 * * *"]["slug"] == "nightly"
        kept = found["0 3 * * *"]
        assert (kept["active"], kept["parameters"], kept["schedule"]["timezone"]) == (False, {"a": 1}, "Europe/Oslo")
        assert automation(parts)["enabled"]
    finally:
        for schedule in schedules(parts, deployment):
            parts.ask("DELETE", f"deployments/{deployment}/schedules/{schedule['id']}")
        parts.ask("DELETE", f"automations/{automation(parts)['id']}")
        run(parts, "cli.stack.deploy")
    assert [(one["slug"], one["active"]) for one in schedules(parts, deployment)] == [("nightly", False)]
    assert not automation(parts)["enabled"]


def test_runs_that_no_process_is_at_have_ended_when_the_server_is_up_again(parts: Night) -> None:
    running, cancelled, waiting = (
        parts.begin("pipeline/pipeline", CONFIG),
        parts.begin("export/export", CONFIG),
        parts.begin("ingest/ingest", CONFIG),
    )
    for lost in (running, cancelled):
        parts.set_state(lost, type="PENDING")
        parts.set_state(lost, type="RUNNING")
    parts.set_state(cancelled, type="CANCELLING")
    said = run(parts, "cli.stack.lost_runs")
    assert said.count("start it again") == 2
    states = [parts.flow_run(lost)["state_type"] for lost in (running, cancelled, waiting)]
    assert states == ["CRASHED", "CANCELLED", "SCHEDULED"]
    again = parts.begin("pipeline/pipeline", CONFIG)
    parts.set_state(again, type="PENDING")  # the place that the deployment has is free
    for left in (again, waiting):
        parts.set_state(left, type="CANCELLED")
