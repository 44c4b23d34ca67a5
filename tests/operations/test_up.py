"""`make up` as people use it: a real browser, the form, a run on its Ray, the artifacts, and the end of all of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Locator, Page

from cli.processes import carrying
from cli.stack.parts import place
from tests.browser import browser, find_browser
from tests.e2e.demo_run import HOME, ROOT
from tests.ray_cluster import free_ports

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made for Linux: its parts have addresses of lo"),
    pytest.mark.skipif(find_browser() is None, reason="no browser is installed"),
    pytest.mark.timeout(1200),
]
PATIENCE_S = 400
PATIENCE_MS = 120_000
_ENDED = ("COMPLETED", "FAILED", "CRASHED")
AUTH = "admin:wonder-land"
_SUMMARY = {"artifacts": {"key": {"any_": ["from-form-summary"]}}}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A user's, with a home and ports that nobody else has; what this test session set is not theirs."""
    home = tmp_path_factory.mktemp("up")
    for database in Path(HOME).glob("prefect-*.db"):  # migrating one takes half a minute
        (home / database.name).write_bytes(database.read_bytes())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "RAY_"))}
    ports = dict(zip(("PORT", "RAY_PORT", "DASHBOARD_PORT"), free_ports(3), strict=True))
    return (
        inherited
        | {f"RUSHES_UP_{name}": str(port) for name, port in ports.items()}
        | {"RUSHES_HOME": str(home), "PREFECT_SERVER_API_AUTH_STRING": AUTH}
    )


@pytest.fixture(scope="module")
def url(environment: dict[str, str]) -> Iterator[str]:
    try:
        done = stack("up", environment)
        assert done.returncode == 0, done.stdout + done.stderr
        yield f"http://127.0.0.1:{environment['RUSHES_UP_PORT']}"
    finally:
        stack("down", environment)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of one picture, which is all that the run takes."""
    folder = tmp_path_factory.mktemp("source")
    shutil.copy(ROOT / "docs/report.png", folder)
    (folder / "items.csv").write_text("url\nreport.png\n")
    return folder / "items.csv"


@pytest.fixture(scope="module")
def page(url: str) -> Iterator[Page]:
    """A page in which somebody has logged in, where the server asked for it."""
    with browser() as running:
        opened = running.new_page(viewport={"width": 1400, "height": 1200})
        opened.set_default_timeout(PATIENCE_MS)
        opened.goto(f"{url}/dashboard")
        opened.get_by_placeholder("admin:pass").fill(AUTH)
        opened.get_by_role("button", name="Login").click()
        opened.get_by_text("Deployments").first.wait_for()
        yield opened


def test_the_form_refuses_a_wrong_value_and_starts_a_run_that_completes(url: str, source: Path, page: Page) -> None:
    page.goto(f"{url}/deployments/deployment/{_deployment(url, 'pipeline')}/run")
    _field(page, "Name").fill("No Name")
    _field(page, "Source").fill(str(source))
    _field(page, "Workspace").fill(str(source.parent / "work"))
    page.get_by_role("button", name="Submit").click()
    page.get_by_text(re.compile("'No Name' does not match")).first.wait_for()
    assert _runs(url) == []

    _field(page, "Name").fill("from-form")
    page.get_by_role("button", name="Submit").click()
    [run] = until(lambda: [run for run in _runs(url) if run["state_type"] in _ENDED])
    assert run["state_type"] == "COMPLETED", run["state"]
    [summary] = _session(url).post(f"{url}/api/artifacts/filter", json=_SUMMARY, timeout=60).json()
    page.goto(f"{url}/artifacts/artifact/{summary['id']}")
    page.get_by_text("1 of 1 items are ok").first.wait_for()


def test_all_parts_run_and_up_again_changes_nothing(url: str, environment: dict[str, str]) -> None:
    before = _parts(environment)
    assert {name.partition(":")[0] for name, _, _ in before} == {"ray-head", "ray-worker", "server", "worker"}
    assert {state for _, state, _ in before} == {"RUNNING"}
    assert stack("up", environment).returncode == 0
    assert _parts(environment) == before


def test_down_leaves_no_process_and_no_folder(url: str, environment: dict[str, str]) -> None:
    folder = _folder(environment)
    assert folder.is_dir()
    assert stack("down", environment).returncode == 0
    assert _processes(environment) == []
    assert not folder.exists()
    assert "Nothing is up." in stack("status", environment).stdout
    assert stack("down", environment).returncode == 0


def stack(action: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli.stack", action]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def until(true: Callable[[], Any]) -> Any:
    """Waits for something that is true, and returns it."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < deadline_s
        time.sleep(1)
    return found


def _field(page: Page, title: str) -> Locator:
    return _property(page, title).locator("textarea").first


def _property(page: Page, title: str) -> Locator:
    """Returns what the form shows of a key."""
    label = f"//span[contains(@class, 'schema-form-property__label')][starts-with(normalize-space(), '{title}')]"
    return page.locator(f"xpath={label}/ancestor::div[contains(@class, 'schema-form-property')][@class != ''][2]").first


def _deployment(url: str, name: str) -> str:
    return str(_session(url).get(f"{url}/api/deployments/name/{name}/{name}", timeout=60).json()["id"])


def _runs(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _session(url).post(f"{url}/api/flow_runs/filter", json={}, timeout=60).json()
    return found


def _session(url: str) -> requests.Session:
    """Returns what may use the API: it asks for the password, and for a token that no other site's page can have."""
    session = requests.Session()
    session.auth = (AUTH.partition(":")[0], AUTH.partition(":")[2])
    answer = session.get(f"{url}/api/csrf-token", params={"client": "test"}, timeout=60).json()
    session.headers.update({"Prefect-Csrf-Token": answer["token"], "Prefect-Csrf-Client": "test"})
    return session


def _parts(environment: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Returns name, state and process id of each part."""
    return re.findall(r"^(\S+) +(\w+) +pid (\d+)", stack("status", environment).stdout, re.MULTILINE)


def _folder(environment: Mapping[str, str]) -> Path:
    return place(Path(environment["RUSHES_HOME"]))


def _processes(environment: Mapping[str, str]) -> list[int]:
    return [*carrying("RUSHES_UP", str(_folder(environment)))]
