"""A schedule fires by itself, each firing does only what changed, and a paused one does not fire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.config import Pipeline
from tests.night import ENDED, Night, outcomes, until

_NAME = "scheduled"
_INTERVAL_S = 45


def picture(folder: Path, name: str, colour: str) -> None:
    """Writes a picture at once, so that no run finds half of it."""
    Image.new("RGB", (64, 48), colour).save(folder / f"new-{name}")
    (folder / f"new-{name}").replace(folder / name)


def rows(source: Path, *names: str) -> None:
    source.with_suffix(".new").write_text("\n".join(["url", *names, ""]))
    source.with_suffix(".new").replace(source)


def runs(parts: Night, deployment: str) -> list[dict[str, Any]]:
    body = {"flow_runs": {"deployment_id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = parts.ask("POST", "flow_runs/filter", body)
    return [run for run in found if run["parameters"]["config"]["name"] == _NAME]  # others have run before


@pytest.fixture
def scheduled(parts: Night) -> Iterator[dict[str, str]]:
    """The deployments, which have the schedules and the parameters of `prefect.yaml` again when a test ends."""
    deployments = {name: parts.deployment(f"{name}/{name}") for name in ("pipeline", "export")}
    given = {
        deployment: parts.ask("GET", f"deployments/{deployment}")["parameters"] for deployment in deployments.values()
    }
    yield deployments
    for deployment in deployments.values():
        parts.ask("PATCH", f"deployments/{deployment}", {"parameters": given[deployment]})
        for schedule in parts.ask("GET", f"deployments/{deployment}/schedules"):
            if not schedule["slug"]:
                parts.ask("DELETE", f"deployments/{deployment}/schedules/{schedule['id']}")


def expected(parts: Night, deployment: str) -> list[str]:
    return [run["id"] for run in runs(parts, deployment) if run["state_type"] == "SCHEDULED"]


@pytest.mark.timeout(1500)
def test_each_firing_does_what_changed_and_a_paused_schedule_does_not_fire(
    parts: Night, scheduled: dict[str, str], tmp_path: Path
) -> None:
    for name, colour in (("a.png", "red"), ("b.png", "green"), ("c.png", "blue"), ("d.png", "black")):
        picture(tmp_path, name, colour)
    source, work = tmp_path / "items.csv", tmp_path / "work"
    rows(source, "a.png", "b.png", "c.png")
    config = Pipeline(name=_NAME, source=str(source), workspace=str(work)).model_dump(mode="json")
    deployment = scheduled["pipeline"]
    for changed in scheduled.values():  # and not of their schedules: Prefect forgets those when a schedule is paused
        parts.ask("PATCH", f"deployments/{changed}", {"parameters": {"config": config}})
    schedule = {"schedule": {"interval": _INTERVAL_S}, "active": True}
    [made] = parts.ask("POST", f"deployments/{deployment}/schedules", [schedule])
    parts.start_worker()

    until(lambda: outcomes(work), parts.log)
    rows(source, "a.png", "b.png", "c.png", "d.png")
    until(lambda: outcomes(work)[-1].items["ok"] == 4, parts.log)
    picture(tmp_path, "b.png", "yellow")
    until(lambda: outcomes(work)[-1].changed, parts.log)
    parts.ask("PATCH", f"deployments/{deployment}/schedules/{made['id']}", {"active": False})
    for run in runs(parts, deployment):  # on a slow machine some wait for those before them, and pausing leaves them
        if run["state_name"] == "AwaitingConcurrencySlot":
            parts.cancel(run["id"])
    until(lambda: all(run["state_type"] in ENDED for run in runs(parts, deployment)), parts.log)

    told = outcomes(work)
    assert [outcome.fetched for outcome in told if outcome.fetched] == [3, 1, 1]
    assert [outcome.made for outcome in told if outcome.made] == [3, 1, 1]
    assert [outcome.changed for outcome in told if outcome.changed] == [1]
    assert {outcome.items["ok"] for outcome in told} == {3, 4}
    fired = runs(parts, deployment)
    assert all(run["auto_scheduled"] for run in fired)
    assert [run["state_type"] for run in fired if run["state_type"] != "CANCELLED"] == ["COMPLETED"] * len(told)
    manifest = (work / "datasets" / _NAME / "manifest.jsonl").read_text()
    assert [json.loads(line)["status"] for line in manifest.splitlines()] == ["ok"] * 4

    # What is not scheduled is seen by a schedule beside it, which is: the scheduler has looked at both.
    beside = {"schedule": {"interval": 86_400}, "active": True}
    parts.ask("POST", f"deployments/{scheduled['export']}/schedules", [beside])
    until(lambda: expected(parts, scheduled["export"]), parts.log)
    assert runs(parts, deployment) == fired
    parts.ask("PATCH", f"deployments/{deployment}/schedules/{made['id']}", {"active": True})
    until(lambda: expected(parts, deployment), parts.log)
