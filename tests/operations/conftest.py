"""One server with the project's deployments for all of these tests; each starts the worker that it needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.night import Night, made_apart, night
from tests.operations.slow import make_media, settings, slow_ffmpeg


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    with night(tmp_path_factory.mktemp("night"), RUSHES_FFMPEG=slow_ffmpeg(tmp_path_factory.mktemp("bin"))) as running:
        running.deploy("tests.operations.threads:pipeline", "threads")
        yield running


@pytest.fixture
def parts(server: Night) -> Iterator[Night]:
    """The server, beside which no worker is left when a test ends."""
    yield server
    server.kill_worker()


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def undisturbed(media: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the slow pipeline comes to, run by the command and not disturbed by anything."""
    return made_apart(settings(media, tmp_path_factory.mktemp("whole")))
