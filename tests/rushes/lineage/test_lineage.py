"""Events about runs, as a real endpoint receives them: whole, in order, without credentials, and never in the way."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from rushes.config import Pipeline
from rushes.errors import RunFailedError
from rushes.lineage import JobRun, traced
from rushes.pipeline_file import validate
from rushes.summary.outcome import RunOutcome
from tests.lineage_endpoint import endpoint
from tests.rushes.summary.described import ABOUT, dataset

RUN = JobRun(uuid.UUID(int=7), "pipeline.made", "prefect", "3.9", (uuid.UUID(int=8), "nightly"))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:  # the client sets some itself
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def outcome(folder: Path | None) -> RunOutcome:
    return RunOutcome("run", {}, {}, {}, over_limit=False, dataset=str(folder) if folder else None)


def pipeline(**more: Any) -> Pipeline:
    return validate({"name": "made", "source": "items.csv"} | more, "test")


def facets(of: Any) -> Iterator[tuple[str, Any]]:
    """Yields every facet of an event, with its name."""
    if isinstance(of, dict):
        for key, value in of.items():
            if key in ("facets", "inputFacets", "outputFacets"):
                yield from value.items()
            yield from facets(value)
    elif isinstance(of, list):
        for one in of:
            yield from facets(one)


def test_a_run_starts_and_completes_with_what_it_read_and_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, folder = dataset(tmp_path, ABOUT)
    warned: list[str] = []
    with endpoint() as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        with traced(config, lambda: RUN, warned.append) as told:
            assert [event["eventType"] for event in received] == ["START"]
            assert told(outcome(folder)).dataset == str(folder)
    assert warned == []
    start, complete = received
    assert complete["eventType"] == "COMPLETE"
    for event in received:
        assert (event["run"]["runId"], event["job"]["name"]) == (str(RUN.id), RUN.job)
        assert event["job"]["namespace"] == "rushes"
        assert event["schemaURL"].startswith("https://openlineage.io/spec/2-")
        assert event["run"]["facets"]["parent"]["run"]["runId"] == str(uuid.UUID(int=8))
        assert all({"_producer", "_schemaURL"} <= {*facet} for _, facet in facets(event))
    assert [one["name"] for one in start["inputs"]] == [str(tmp_path / "items.jsonl")]
    (written,) = complete["outputs"]
    assert (written["namespace"], written["name"]) == ("file", str(folder))
    stats = json.loads((folder / "stats.json").read_bytes())
    statistics = written["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"], statistics["fileCount"]) == (5, stats["bytes"], stats["files"])
    digest = hashlib.sha256((folder / "manifest.jsonl").read_bytes()).hexdigest()
    assert written["facets"]["version"]["datasetVersion"] == digest
    columns = [one["name"] for one in written["facets"]["schema"]["fields"]]
    assert columns == parquet.read_schema(folder / "manifest.parquet").names
    assert [one["name"] for one in written["facets"]["ownership"]["owners"]] == ["Ada | Lovelace", "Lab"]
    assert {(one["namespace"], one["name"]) for one in complete["inputs"]} == {
        ("file", str(tmp_path / "items.jsonl")),
        ("file", "/"),
    }


def test_what_stopped_a_run_stands_in_its_event_and_reaches_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    with endpoint() as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        with pytest.raises(RunFailedError), traced(pipeline(), lambda: RUN, pytest.fail):
            raise RunFailedError("half of it failed")
        with pytest.raises(ValueError, match="secret"), traced(pipeline(), lambda: RUN, pytest.fail):
            raise ValueError("https://user:secret@host")
        with pytest.raises(KeyboardInterrupt), traced(pipeline(), lambda: RUN, pytest.fail):
            raise KeyboardInterrupt
    assert [event["eventType"] for event in received] == ["START", "FAIL", "START", "FAIL", "START", "ABORT"]
    messages = [event["run"]["facets"]["errorMessage"]["message"] for event in received if event["eventType"] == "FAIL"]
    assert messages == ["run_failed: half of it failed", "ValueError"]


def test_without_an_endpoint_nothing_is_asked_or_said() -> None:
    with traced(pipeline(), lambda: pytest.fail("asked"), pytest.fail) as told:
        assert told(outcome(None)).run == "run"
        assert "lineage" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("kind", ["refused", "unauthorised"])
def test_an_endpoint_that_takes_nothing_stops_no_run_and_is_named_once(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    warned: list[str] = []
    with endpoint(status=401) as (url, _):
        unused = "http://user:secret@127.0.0.1:9"
        monkeypatch.setenv("OPENLINEAGE_URL", url if kind == "unauthorised" else unused)
        with traced(pipeline(), lambda: RUN, warned.append) as told:
            told(outcome(None))
    (text,) = warned
    assert ("status 401" in text) == (kind == "unauthorised")
    assert "secret" not in text


def test_credentials_of_places_stay_out_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASS", "hunter2")
    for source in ("${LIST}", "items.csv"):
        with endpoint() as (url, received):
            monkeypatch.setenv("OPENLINEAGE_URL", url)
            with traced(pipeline(source=source), lambda: RUN, pytest.fail) as told:
                told(outcome(None))
        assert received[0]["inputs"][0]["name"] == (source if source[0] == "$" else str(Path.cwd() / source))
    places = {"source": "https://me:hunter2@host/items.csv?sig=hunter2", "output": "sftp://me:${PASS}@host/x"}
    with endpoint() as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        with traced(pipeline(**places), lambda: RUN, pytest.fail) as told:
            told(outcome(None))
    assert "hunter2" not in json.dumps(received)
    assert received[0]["inputs"][0]["namespace"] == "https://host"
