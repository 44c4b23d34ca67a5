from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from rushes.storage import Storage, open_storage
from tests import storages


@pytest.fixture(scope="module", params=["s3", "gs", "sftp"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A storage of each kind."""
    if request.param == "sftp" and storages.SSHD is None:
        pytest.skip("OpenSSH's sshd is not installed")
    servers: dict[str, AbstractContextManager[str]] = {
        "s3": storages.s3(),
        "gs": storages.gcs(),
        "sftp": storages.sftp(tmp_path_factory.mktemp("sshd")),
    }
    with servers[request.param] as url:
        yield url


@pytest.fixture
def storage(place: str, request: pytest.FixtureRequest) -> Iterator[Storage]:
    """A folder of its own for each test."""
    opened = open_storage(f"{place}/{request.node.name.partition('[')[0]}")
    yield opened
    opened.close()
