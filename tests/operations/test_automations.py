"""Automations, as `deployments/register.sh` and `prefect.yaml` make them: each is made to act, on a real server."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cli.processes import carrying
from rushes.config import Pipeline
from tests.e2e.demo_run import ROOT
from tests.http_server import Handler, serve, status
from tests.lineage_endpoint import endpoint
from tests.night import Night, until

_EXPORT, _AGAIN, _ZOMBIES, _NOTIFY, _LATE = (
    "export when an ingest has finished",
    "run again while fewer items fail",
    "crash runs without a heartbeat",
    "notify when a run fails",
    "notify when a run does not begin",
)
_ALL = (_EXPORT, _AGAIN, _ZOMBIES, _NOTIFY, _LATE)

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def told(server: Night) -> Iterator[list[Any]]:
    """What a webhook of ours is sent, once the automations are registered as deployments/README.md says."""
    with endpoint() as (url, received):
        make_block(server, url)
        for _ in range(2):  # the second time makes no second one
            register(server, "custom-webhook/rushes")
        names = [made["name"] for made in server.ask("POST", "automations/filter", {})]
        assert [names.count(name) for name in _ALL] == [1] * len(_ALL)
        yield received
        for name in (_EXPORT, _AGAIN):
            server.ask("PATCH", f"automations/{automation(server, name)['id']}", {"enabled": False})
        for name in (_ZOMBIES, _NOTIFY, _LATE):
            server.ask("DELETE", f"automations/{automation(server, name)['id']}")


def make_block(parts: Night, url: str) -> None:
    """Makes a notification block as the UI does."""
    kind = parts.ask("GET", "block_types/slug/custom-webhook")["id"]
    [schema, *_] = parts.ask(
        "POST", "block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind]}}, "limit": 1}
    )
    data = {"name": "rushes", "url": url, "json_data": {"title": "{{subject}}", "text": "{{body}}"}}
    parts.ask(
        "POST",
        "block_documents/",
        {"name": "rushes", "data": data, "block_type_id": kind, "block_schema_id": schema["id"]},
    )


def register(parts: Night, block: str, code: int = 0) -> str:
    """Registers what there is, with that block, and returns what the script writes for people."""
    return command(parts, "sh", "deployments/register.sh", code=code, RUSHES_NOTIFY=block)


def command(parts: Night, *words: str, code: int = 0, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    there = parts.environment | {"PATH": path} | environment
    done = subprocess.run(words, cwd=ROOT, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stderr


def automation(parts: Night, name: str) -> dict[str, Any]:
    [found] = [made for made in parts.ask("POST", "automations/filter", {}) if made["name"] == name]
    return found  # type: ignore[no-any-return]


def hasten(parts: Night, name: str, within_s: int) -> dict[str, Any]:
    """Has an automation act sooner, and returns it."""
    made = automation(parts, name)
    kept = {part: made[part] for part in ("name", "description", "enabled", "trigger", "actions")}
    kept["trigger"]["within"] = within_s
    parts.ask("PUT", f"automations/{made['id']}", kept)
    return kept


def runs(parts: Night, config: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the runs of one dataset, as they were made."""
    found = parts.ask("POST", "flow_runs/filter", {"sort": "ID_DESC"})
    mine = [run for run in found if run["parameters"].get("config", {}).get("name") == config["name"]]
    return sorted(mine, key=lambda run: run["created"])


def heard(told: list[Any], run: dict[str, Any]) -> list[dict[str, str]]:
    return [message for message in told if run["id"] in message["text"]]


def picture(folder: Path, name: str, colour: str) -> None:
    Image.new("RGB", (64, 48), colour).save(folder / name)


def test_a_block_that_is_not_there_is_refused(parts: Night) -> None:
    assert "RUSHES_NOTIFY = slack-webhook/nowhere: there is no such block." in register(
        parts, "slack-webhook/nowhere", 2
    )


def test_an_export_follows_an_ingest_that_completed(parts: Night, told: list[Any], tmp_path: Path) -> None:
    command(parts, "prefect", "automation", "resume", _EXPORT)
    picture(tmp_path, "a.png", "red")
    (tmp_path / "items.csv").write_text("url\na.png\n")
    config = Pipeline(name="followed", source=str(tmp_path / "items.csv"), workspace=str(tmp_path / "work"))
    sent = config.model_dump(mode="json", exclude_unset=True)
    parts.start_worker()
    ingested = parts.ended(parts.begin("ingest/ingest", sent))
    until(lambda: runs(parts, sent)[1:], parts.log)
    exported = parts.ended(runs(parts, sent)[1]["id"])
    assert [run["state_type"] for run in (ingested, exported)] == ["COMPLETED", "COMPLETED"]
    assert exported["deployment_id"] == parts.deployment("export/export")
    assert exported["parameters"] == ingested["parameters"]
    assert (tmp_path / "work/datasets/followed/manifest.jsonl").exists()
    assert told == []


def test_a_failed_run_is_told_and_run_again_only_where_its_failed_share_fell(
    parts: Night, told: list[Any], tmp_path: Path
) -> None:
    command(parts, "prefect", "automation", "resume", _AGAIN)
    picture(tmp_path, "a.png", "red")
    (tmp_path / "items.csv").write_text("url\na.png\nb.png\nc.png\n")
    given: dict[str, Any] = {"run": {"max_failed": 0}}
    config = Pipeline(name="again", source=str(tmp_path / "items.csv"), workspace=str(tmp_path / "work"), **given)
    sent = config.model_dump(mode="json", exclude_unset=True)
    parts.start_worker()

    first = parts.ended(parts.begin("pipeline/pipeline", sent))
    until(lambda: heard(told, first), parts.log)
    picture(tmp_path, "b.png", "green")
    fell = parts.ended(parts.begin("pipeline/pipeline", sent))
    until(lambda: runs(parts, sent)[2:], parts.log)
    again = runs(parts, sent)[2]
    assert (again["state_type"], again["parameters"]) == ("SCHEDULED", fell["parameters"])
    expected, ended = (datetime.fromisoformat(at) for at in (again["expected_start_time"], fell["end_time"]))
    assert round((expected - ended).total_seconds() / 60) == 10
    parts.set_state(again["id"], type="SCHEDULED", name="Scheduled")  # now, and not in ten minutes
    same = parts.ended(again["id"])
    until(lambda: heard(told, same), parts.log)
    picture(tmp_path, "c.png", "blue")
    completed = parts.ended(parts.begin("pipeline/pipeline", sent))

    made = [first, fell, same, completed]
    assert [run["id"] for run in runs(parts, sent)] == [run["id"] for run in made]
    assert [run["state_type"] for run in made] == ["FAILED", "FAILED", "FAILED", "COMPLETED"]
    failed = [heard(told, run) for run in made]
    assert [[message["title"] for message in messages] for messages in failed] == [
        [f"pipeline failed: {run['name']}"] if run is not completed else [] for run in made
    ]
    for run, [message] in zip(made[:3], failed[:3], strict=True):
        assert (
            message["text"] == f"{run['state']['message']} {parts.url.removesuffix('/api')}/runs/flow-run/{run['id']}"
        )


def test_a_run_that_no_worker_takes_is_told(parts: Night, told: list[Any], tmp_path: Path) -> None:
    hasten(parts, _LATE, 20)
    config = Pipeline(name="unbegun", source=str(tmp_path / "items.csv"), workspace=str(tmp_path / "work"))
    run = parts.flow_run(parts.begin("pipeline/pipeline", config.model_dump(mode="json", exclude_unset=True)))
    until(lambda: heard(told, run), parts.log)
    assert [message["title"] for message in heard(told, run)] == [f"pipeline has not begun: {run['name']}"]
    assert parts.flow_run(run["id"])["state_name"] == "Late"
    parts.cancel(run["id"])


def test_a_run_without_a_heartbeat_is_crashed_and_told_and_one_that_works_is_left_alone(
    parts: Night, told: list[Any], tmp_path: Path
) -> None:
    sooner = hasten(parts, _ZOMBIES, 100)
    left_alone, go_on = threading.Event(), threading.Event()
    body = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(body, "BMP")

    def slow(handler: Handler) -> None:
        handler.head(200, Content_Length=len(body.getvalue()))
        for byte in body.getvalue():
            handler.wfile.write(bytes([byte]))
            if not go_on.is_set():
                handler.wait(0.2)

    def gone(handler: Handler) -> None:  # of which the run's process writes a line, for a worker that is gone as well
        left_alone.wait()
        status(404)(handler)

    def begun(name: str) -> str:
        config: dict[str, Any] = {
            "name": name,
            "source": str(tmp_path / "items.csv"),
            "workspace": str(tmp_path / name),
            "download": {"allow_private_hosts": ["127.0.0.1"], "min_bytes_per_s": 1},
            "run": {"max_failed": 0.5},
        }
        often = {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
        before = len(media.requests)
        run = parts.begin("pipeline/threads", config, job_variables=often, tags=["rushes"])
        until(lambda: len(media.requests) == before + 2, parts.log)
        return run

    with serve({"/slow.bmp": slow, "/gone.bmp": gone}) as media:
        (tmp_path / "items.csv").write_text(f"url\n{media.url('/slow.bmp')}\n{media.url('/gone.bmp')}\n")
        parts.start_worker()
        seen = begun("seen")
        end_process(seen)
        told_by_worker = parts.ended(seen)
        lost, works = begun("lost"), begun("works")
        parts.kill("worker")
        end_process(lost)
        left_alone.set()
        assert parts.flow_run(lost)["state_type"] == "RUNNING"
        until(lambda: parts.flow_run(lost)["state_type"] == "CRASHED", parts.log)
        at_work = parts.flow_run(works)
        go_on.set()
        completed = parts.ended(works)

    assert told_by_worker["state_type"] == "CRASHED"
    assert (at_work["state_type"], completed["state_type"]) == ("RUNNING", "COMPLETED")
    crashed = parts.flow_run(lost)
    assert crashed["state"]["message"] == sooner["actions"][0]["message"]
    until(lambda: heard(told, crashed), parts.log)
    assert [message["title"] for message in heard(told, crashed)] == [f"pipeline failed: {crashed['name']}"]
    assert heard(told, completed) == []
    assert "http_status" in parts.logs(works)


def end_process(run: str) -> None:
    """Kills the process of a flow run, as a machine does that runs out of memory."""
    for process in carrying("PREFECT__FLOW_RUN_ID", run):
        os.kill(process, signal.SIGKILL)
