"""Patience with a server that is away: it is asked again until it is there, and nothing else is tried twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tasks.patience import away, patiently


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield probe.getsockname()[1]


def connect(port: int) -> None:
    with httpx.Client(transport=httpx.HTTPTransport()) as client:
        try:
            client.get(f"http://127.0.0.1:{port}/", timeout=0.5)
        except httpx.ReadTimeout:
            return  # it is there, and slow


def test_what_needs_the_server_is_tried_until_it_is_back() -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        tried = []

        def act() -> str:
            tried.append(1)
            if len(tried) == 2:
                listener.listen()
            connect(listener.getsockname()[1])
            return "done"

        assert patiently(act) == "done"
        assert len(tried) == 2


def test_patience_ends(port: int) -> None:
    with pytest.raises(httpx.ConnectError):
        patiently(lambda: connect(port), patience_s=0.1)


def test_other_errors_are_not_tried_again() -> None:
    tried = []

    def act() -> None:
        tried.append(1)
        raise KeyError("no such frame")

    with pytest.raises(KeyError):
        patiently(act)
    assert len(tried) == 1


def test_a_server_that_is_away_is_seen_however_deep() -> None:
    deep = RuntimeError("Failed to reach API")
    deep.__cause__ = httpx.ConnectError("refused")
    assert away(deep)
    assert not away(RuntimeError("another"))
    assert not away(None)
