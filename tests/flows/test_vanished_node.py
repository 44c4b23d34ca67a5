"""A driver asks after tasks on nodes that say nothing sooner than Ray would by itself, and is more patient then."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_ASKS_MS = (
    "import ray; from ray._raylet import Config; "
    "print(Config.grpc_client_keepalive_time_ms(), Config.grpc_client_keepalive_timeout_ms())"
)
_VARIABLE = "RAY_grpc_client_keepalive_time_ms"


def asks_ms(module: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != _VARIABLE} | variables
    command = [sys.executable, "-c", f"import {module}; {_ASKS_MS}"]
    return subprocess.check_output(command, text=True, env=environment).strip()


@pytest.mark.parametrize("module", ["flows.pipeline", "cli.ray_session"])
def test_a_driver_asks_in_time_whoever_starts_it(module: str) -> None:
    assert asks_ms(module) == "90000 270000"


def test_what_is_set_goes_first() -> None:
    assert asks_ms("cli.ray_session", **{_VARIABLE: "120000"}) == "120000 270000"
