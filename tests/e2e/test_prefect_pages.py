"""What people see of runs in Prefect, on a server as it is started by hand and in a real browser, and what follows."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Locator, Page

from examples.demo.server import MediaServer, serve
from examples.demo.source import prepare, write_source
from tests.browser import browser
from tests.e2e.demo_run import HOME, ROOT
from tests.prefect_server import patient

PREFECT = [sys.executable, "-m", "prefect"]
_PATIENCE_S = 120

pytestmark = pytest.mark.timeout(600)  # a server, deployments and three runs, on a machine that may be busy


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    home = folder / "prefect"
    home.mkdir()
    if (migrated := Path(HOME) / f"prefect-{version('prefect')}.db").exists():
        shutil.copyfile(migrated, home / "prefect.db")
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_UI_API_URL": f"{url}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    command = [*PREFECT, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: process.poll() is None and _answers(f"{url}/api/health"))
            yield url
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(scope="module")
def follower(server: str, folder: Path) -> None:
    """Deploys what deployments/README.md shows, beside a flow of its own."""
    readme = (ROOT / "deployments" / "README.md").read_text(encoding="utf-8")
    shown = next(block for block in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "triggers:" in block)
    project = folder / "project"
    project.mkdir()
    (project / "prefect.yaml").write_text(shown)
    (project / "train.py").write_text(
        "from prefect import flow\n\n@flow\ndef train(dataset: str, manifest_sha256: str): ...\n"
    )
    environment = os.environ | {"PREFECT_API_URL": f"{server}/api", "PREFECT_HOME": str(folder / "client")}
    for arguments in (["work-pool", "create", "rushes", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        done = subprocess.run([*PREFECT, *arguments], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def media(folder: Path) -> Iterator[MediaServer]:
    items = prepare(folder / "media")
    with serve(folder / "media") as server:
        write_source(folder / "items.csv", items[:4] + items[-2:], folder / "media", server)
        yield server


@pytest.fixture(scope="module")
def results(server: str, media: MediaServer, follower: None, folder: Path) -> list[dict[str, Any]]:
    """Runs three times: something new, nothing new, and more failures than are allowed."""
    config = {
        "name": "street-scenes",
        "source": "items.csv",
        "workspace": "work",
        "download": {"allow_private_hosts": ["127.0.0.1"], "attempts": 1},
        "profiles": {"quick": {"profile": "web", "preset": "ultrafast"}},
        "transcode": {"profile": "quick"},
        "frames": "annotated",
        "run": {"max_failed": 0.9},
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(config))
    return [_run(server, folder), _run(server, folder), _run(server, folder, "--set", "run.max_failed=0")]


@pytest.fixture
def page() -> Iterator[Page]:
    with browser() as running:
        yield running.new_page(viewport={"width": 1400, "height": 1000})


def test_another_deployment_begins_by_each_changed_dataset_and_by_no_other(
    server: str, results: list[dict[str, Any]]
) -> None:
    body = {"flows": {"name": {"any_": ["train"]}}}
    until(lambda: _events(server)[2:])  # the last one is there, and what it might begin
    begun = until(lambda: _post(server, "flow_runs/filter", body))
    assert [run["parameters"] for run in begun] == [
        {"dataset": results[0]["dataset"], "manifest_sha256": results[0]["manifest_sha256"]}
    ]


def test_each_export_emits_what_came_of_it(server: str, results: list[dict[str, Any]]) -> None:
    events = until(lambda: _events(server)[2:] and _events(server))
    told = [(event["event"], event["resource"]["rushes.dataset.changed"]) for event in events]
    published = "rushes.dataset.published"
    assert told == [(published, "true"), (published, "false"), ("rushes.dataset.failed", "false")]
    assert {event["resource"]["prefect.resource.id"] for event in events} == {"rushes.dataset.street-scenes"}
    assert {"flow-run", "flow"} <= {other["prefect.resource.role"] for other in events[0]["related"]}
    for event, result in zip(events, results, strict=True):
        assert event["payload"]["items"] == result["items"]
        assert event["payload"]["over_limit"] == result["over_limit"]
        assert event["payload"]["dataset"] == result["dataset"]


def test_the_page_of_the_summary_shows_the_figures(
    server: str, results: list[dict[str, Any]], media: MediaServer, page: Page
) -> None:
    page.goto(_page(server, "street-scenes-summary", -1))
    items, digest = results[0]["items"], results[0]["manifest_sha256"]
    counts = " + ".join(f"{items[status]} {status}" for status in ("ok", "failed", "skipped", "quarantined"))
    summary = page.get_by_test_id("markdown-display")
    shown = _text(summary, f"{items['ok']} of {items['planned']} items are ok")
    assert f"{items['planned']} planned = {counts}." in shown
    assert results[0]["dataset"] in shown
    assert digest in shown
    for code, count in results[0]["failures_by_code"].items():
        row = summary.get_by_role("row").filter(has_text=code)
        assert row.get_by_role("cell").nth(1).inner_text() == str(count)
    links = summary.locator("td a").evaluate_all("all => all.map(one => one.href)")
    assert f"http://127.0.0.1:{media.port}/vanished.mp4" in links
    assert not re.search(r"(?m)^#|\*\*|\\[-.]", shown), "markup that is shown and not obeyed"


def test_the_page_of_a_failed_run_says_so_first(server: str, results: list[dict[str, Any]], page: Page) -> None:
    page.goto(_page(server, "street-scenes-summary", 0))
    shown = _text(page.get_by_test_id("markdown-display"), "beside the one before, which stays")
    assert shown.splitlines()[2].startswith("The run failed. ")


def test_the_page_of_the_failures_lists_them_with_what_to_do(
    server: str, results: list[dict[str, Any]], page: Page
) -> None:
    page.goto(_page(server, "street-scenes-failures", -1))
    page.get_by_role("columnheader", name="what to do").wait_for()
    shown = _text(page.get_by_role("table"), "404, 410: the item is gone.")
    assert page.get_by_role("row").count() == 1 + sum(results[0]["failures_by_code"].values())
    assert all(code in shown for code in results[0]["failures_by_code"])


def test_the_page_of_the_pictures_shows_them(server: str, results: list[dict[str, Any]], page: Page) -> None:
    page.goto(_page(server, "street-scenes-pictures", -1))
    shown = page.locator("img[src^='data:image/jpeg']").first
    shown.wait_for()
    assert until(lambda: shown.evaluate("one => [one.naturalWidth, one.naturalHeight]")) == [990, 564]


@pytest.mark.parametrize("part", ["ingest", "export"])
def test_the_page_of_the_progress_shows_that_all_is_done(
    server: str, results: list[dict[str, Any]], page: Page, part: str
) -> None:
    page.goto(_page(server, f"street-scenes-{part}-progress", -1))
    page.get_by_text("100%").first.wait_for()
    planned = results[0]["items"]["planned"]
    page.get_by_text(f"{planned} of {planned} ").first.wait_for()


def test_the_page_of_the_flow_run_leads_to_all_of_it(server: str, results: list[dict[str, Any]], page: Page) -> None:
    artifact = _artifacts(server, "street-scenes-summary")[-1]
    page.goto(f"{server}/v2/runs/flow-run/{artifact['flow_run_id']}?tab=Artifacts")
    for kind in ("summary", "failures", "pictures", "ingest-progress", "export-progress"):
        page.get_by_text(f"street-scenes-{kind}", exact=True).first.wait_for()
    page.get_by_text(re.compile(r"street-scenes 20\d\d-\d\d-\d\d \d\d:\d\d")).first.wait_for()


def until(true: Callable[[], Any]) -> Any:
    """Waits for something that is true, and returns it."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < deadline_s
        time.sleep(0.2)
    return found


def _text(where: Locator, expected: str) -> str:
    """Returns what is shown, once that has come: pages are drawn more than once."""
    shown: str = until(lambda: text if expected in (text := where.inner_text()) else "")
    return shown


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=10).ok
    except requests.RequestException:
        return False


def _post(server: str, path: str, body: dict[str, Any]) -> Any:
    return patient().post(f"{server}/api/{path}", json=body, timeout=30).json()


def _run(server: str, folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "cli", "run", str(folder / "pipeline.yaml"), "--json", "--runner", "threads"]
    environment = os.environ | {"PREFECT_API_URL": f"{server}/api", "PREFECT_HOME": str(folder / "client")}
    done = subprocess.run([*command, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _events(server: str) -> list[dict[str, Any]]:
    body = {"filter": {"event": {"prefix": ["rushes."]}, "order": "ASC"}}
    found: list[dict[str, Any]] = _post(server, "events/filter", body)["events"]
    return found


def _artifacts(server: str, key: str) -> list[dict[str, Any]]:
    """Returns the artifacts of a key, of the last run first."""
    body = {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"}
    found: list[dict[str, Any]] = _post(server, "artifacts/filter", body)
    return found


def _page(server: str, key: str, which: int) -> str:
    return f"{server}/v2/artifacts/artifact/{_artifacts(server, key)[which]['id']}"
