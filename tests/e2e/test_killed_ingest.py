"""Killed twenty times while three hundred items come in, an ingest ends with the same bytes, and accounts for each.

The ingest is a process of its own, `python -m tests.e2e.test_killed_ingest FOLDER`: the steps of the flow without an
orchestrator, so that so many starts take no minute. `test_killed_run.py` kills the whole command.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import stamina
from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.ledger import every_outcome
from rushes.plan import latest_run, load_plan
from rushes.records import Outcome, Rejection, Source
from rushes.workspace import Workspace, locked
from tests.e2e.demo_run import ROOT
from tests.http_server import Server, serve
from tests.mixed_items import COUNT, clip, mixture
from tests.rushes.runs import ended, ingest, settings

KILLS = 20
KINDS = ("media", "derived", "quarantine", "unpacked")
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Ingested:
    """What an ingest left: files by path with their digests, and how each item ended, by id."""

    store: Mapping[str, str]
    outcomes: Mapping[str, Outcome]
    requests: int
    kills: int


def config_of(folder: Path) -> tuple[Pipeline, Workspace]:
    return Pipeline.model_validate_json((folder / "pipeline.json").read_bytes()), Workspace(folder / "work")


def start(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.e2e.test_killed_ingest", str(folder)], cwd=ROOT)


def ingested(folder: Path, video: bytes, kills: list[tuple[int, float]]) -> Ingested:
    """Ingests the items, killed each time after so many requests of this start and so many seconds on top."""
    folder.mkdir()
    mixed, done = mixture(video), 0
    with serve(mixed.routes) as server:
        download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 3, "concurrency": 8}
        more = {"download": download, "transcode": {"profile": "web"}, "run": {"batch_size": 30, "max_failed": 1}}
        config = settings(Workspace(folder / "work"), mixed.rows(server.url("")), **more)
        (folder / "pipeline.json").write_text(config.model_dump_json(exclude_none=True))
        for requests, pause_s in kills:
            done += killed(folder, server, requests, pause_s)
        assert start(folder).wait(_TIMEOUT_S) == 0
        return read(folder, len(server.requests), done)


def killed(folder: Path, server: Server, requests: int, pause_s: float) -> bool:
    """Starts the ingest, kills it, and tells whether it was still at work."""
    process, until = start(folder), len(server.requests) + requests
    while process.poll() is None and len(server.requests) < until:
        time.sleep(0.001)
    time.sleep(pause_s)
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def read(folder: Path, requests: int, kills: int) -> Ingested:
    config, workspace = config_of(folder)
    files = [path for kind in KINDS for path in workspace.path(kind).rglob("*") if path.is_file()]
    run = latest_run(workspace)
    assert run is not None
    store = {
        path.relative_to(workspace.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    outcomes = ended(config, workspace, load_plan(workspace, run))
    return Ingested(store, {id_: _settled(one) for id_, one in outcomes.items()}, requests, kills)


def _settled(outcome: Outcome) -> Outcome:
    """Returns how an item ended without how often it was tried and where the server was: its port is in the URL."""
    if isinstance(outcome, Rejection):
        return replace(outcome, attempts=0, message="", source=replace(outcome.source, url=""))
    verified = replace(outcome.verified, attempts=1, source=replace(outcome.verified.source, url=""))
    return replace(outcome, verified=verified)


def source_of(outcome: Outcome) -> Source:
    return outcome.source if isinstance(outcome, Rejection) else outcome.verified.source


def status_of(outcome: Outcome) -> str:
    return outcome.status if isinstance(outcome, Rejection) else "ok"


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip(tmp_path_factory.mktemp("clip") / "a.mp4")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, video: bytes) -> Ingested:
    return ingested(tmp_path_factory.mktemp("undisturbed") / "run", video, [])


def test_the_items_are_of_every_kind(undisturbed: Ingested) -> None:
    parents = Counter(source_of(one).parent for one in undisturbed.outcomes.values())
    assert (parents[None], len(parents)) == (COUNT, 7)
    assert {status_of(one) for one in undisturbed.outcomes.values()} == {"ok", "failed", "skipped", "quarantined"}
    codes = {one.code for one in undisturbed.outcomes.values() if isinstance(one, Rejection)}
    assert codes >= {"http_status", "connection", "truncated", "bad_url", "forbidden_host", "checksum_mismatch"}
    assert codes >= {"not_media", "corrupt_media", "bad_row", "duplicate_row", "archive"}
    assert {path.partition("/")[0] for path in undisturbed.store} == set(KINDS)


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_an_ingest_still_ends_with_the_same_bytes_and_accounts_for_every_item(
    tmp_path: Path, video: bytes, undisturbed: Ingested, seed: int
) -> None:
    random_ = random.Random(seed)
    moments = (random_.randrange(1, undisturbed.requests // 3) for _ in range(KILLS))
    kills = [(requests, random_.choice([0, random_.uniform(0, 0.2)])) for requests in moments]
    disturbed = ingested(tmp_path / "run", video, kills)
    assert disturbed.kills == KILLS
    assert disturbed.store == undisturbed.store
    assert disturbed.outcomes == undisturbed.outcomes
    _, workspace = config_of(tmp_path / "run")
    for stage in ("verified", "unpacked", "media"):
        assert list(every_outcome(workspace.ledger(stage)))
    assert not [path for kind in KINDS for path in workspace.path(kind).rglob(".*")]


def main(folder: Path) -> None:
    config, workspace = config_of(folder)
    with (
        locked(config.workspace_place),
        stamina.set_testing(True, attempts=100, cap=True),
    ):  # no pauses between attempts
        ingest(config, workspace)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
