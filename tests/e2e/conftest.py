"""One Prefect server for the runs of a test session; those that prove a run's own server leave it aside."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.demo_run import HOME
from tests.prefect_server import prefect_server


@pytest.fixture(scope="session", autouse=True)
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSHES_HOME", os.environ.get("RUSHES_HOME", HOME))
        with prefect_server(tmp_path_factory.mktemp("prefect")) as url:
            patch.setenv("PREFECT_API_URL", url)
            yield url
