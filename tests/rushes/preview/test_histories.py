"""Random histories of a source and its server: before every run, a look tells what it then does."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rushes.config import Pipeline
from rushes.preview.forecast import forecast
from rushes.results import results, work_done
from rushes.workspace import Workspace
from tests.http_server import Handler, Server, ok, serve, status, validated
from tests.rushes.preview.test_forecast import gets, named
from tests.rushes.runs import ingest, png, settings

STEPS = 15
PATHS = [f"/{number}.png" for number in range(12)]
COLOURS = [f"#{number * 0x0A3F17 & 0xFFFFFF:06x}" for number in range(30)]


@dataclass
class History:
    """A source, its server and its pipeline, which change at random."""

    random: random.Random
    folder: Path
    workspace: Workspace
    content: dict[str, bytes] = field(default_factory=dict)
    manner: dict[str, str] = field(default_factory=dict)
    sums: dict[str, bytes] = field(default_factory=dict)
    rows: set[str] = field(default_factory=lambda: set(PATHS[:8]))
    download: dict[str, object] = field(default_factory=dict)
    transcode: dict[str, str] | None = None

    def begin(self) -> None:
        for path in PATHS:
            self.paint(path)
            self.behave(path)

    def paint(self, path: str) -> None:
        self.content[path] = png(self.folder / "any.png", self.random.choice(COLOURS))

    def spoil(self, path: str) -> None:
        self.content[path] = b"<html>%d" % self.random.randrange(5)

    def behave(self, path: str) -> None:
        self.manner[path] = self.random.choice(["etag", "etag", "time", "plain", "404", "503"])

    def come_or_go(self, path: str) -> None:
        self.rows = (self.rows ^ {path}) or {path}

    def promise(self, path: str) -> None:
        self.sums[path] = self.random.choice([self.content[path], self.content[path], b"something else"])

    def promise_nothing(self, path: str) -> None:
        self.sums.pop(path, None)

    def lose(self, _: str) -> None:
        """Deletes a file of the workspace's."""
        kinds = ("media", "derived", "quarantine")
        files = sorted(path for kind in kinds for path in self.workspace.path(kind).rglob("*") if path.is_file())
        if files:
            self.random.choice(files).unlink()

    def configure(self, _: str) -> None:
        self.transcode = self.random.choice([None, {"profile": "web"}, {"profile": "archive"}])
        self.download = {
            "revalidate": self.random.random() < 0.6,
            "require_checksum": self.random.random() < 0.1,
            "allow_private_hosts": ["127.0.0.1"],
            "attempts": 1,
        }

    def go_on(self) -> None:
        happenings: list[Callable[[str], None]] = [
            self.paint,
            self.spoil,
            self.behave,
            self.come_or_go,
            self.promise,
            self.promise_nothing,
            self.lose,
            self.configure,
        ]
        for _ in range(self.random.randrange(4)):
            self.random.choice(happenings)(self.random.choice(PATHS))

    def answer(self, handler: Handler) -> None:
        path = handler.path
        body, tag = self.content[path], hashlib.md5(self.content[path]).hexdigest()
        answers = {
            "etag": validated(body, f'"{tag}"'),
            "time": validated(body, None, f"as of {tag}"),
            "plain": ok(body),
            "404": status(404),
            "503": status(503),
        }
        answers[self.manner[path]](handler)

    def config(self, server: Server) -> Pipeline:
        rows: list[dict[str, object]] = [{"id": path[1:], "url": server.url(path)} for path in sorted(self.rows)]
        for row, path in zip(rows, sorted(self.rows), strict=True):
            if path in self.sums:
                row["checksum"] = hashlib.sha256(self.sums[path]).hexdigest()
        twin = [rows[0] | {"id": "twin"}, rows[0]] if self.random.random() < 0.3 else []
        return settings(self.workspace, rows + twin, download=self.download, transcode=self.transcode)


@pytest.fixture
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[History, Server]]:
    found = History(random.Random(request.param), tmp_path, Workspace(tmp_path / "work"))
    found.begin()
    found.download = {"allow_private_hosts": ["127.0.0.1"], "attempts": 1}
    with serve(dict.fromkeys(PATHS, found.answer)) as server:
        yield found, server


@pytest.mark.parametrize("history", range(12), indirect=True)
def test_a_look_tells_what_the_next_run_does(history: tuple[History, Server]) -> None:
    changing, server = history
    seen: Counter[str] = Counter()
    for step in range(STEPS):
        changing.go_on()
        config = changing.config(server)
        found = forecast(config, changing.workspace, offline=True)
        assert gets(server) == 0
        seen.update(found.items | {"fetch": found.fetch, "ask": found.ask, "make": found.make})
        plan = ingest(config, changing.workspace)
        assert (step, named(plan)) == (step, found.items)
        assert (step, gets(server)) == (step, found.fetch + found.ask)
        work = work_done(results(changing.workspace, plan.run))
        made = sum(work.get("transcode", {}).get(name, 0) for name in ("done", "stopped"))
        assert (step, made) <= (step, found.make + found.ask)  # what changed at its source only asking can tell
    assert min(seen[name] for name in ("new", "failed_before", "unchanged", "fetch", "ask", "make")) > 0
