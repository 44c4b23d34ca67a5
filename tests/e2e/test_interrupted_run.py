"""Ctrl-C or SIGTERM amid a transfer that will not end: the command does, and takes along what it started."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.demo_run import ROOT, environment
from tests.e2e.test_killed_run import gone
from tests.http_server import drip, serve

_PIPELINE = """
name: slow
source: items.csv
download: {allow_private_hosts: ["127.0.0.1"]}
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("runner", ["threads", "ray"])
def test_an_interrupted_run_ends_with_130_within_seconds(tmp_path: Path, runner: str, how: signal.Signals) -> None:
    (tmp_path / "pipeline.yaml").write_text(_PIPELINE)
    with serve({"/endless.jpg": drip(b"x" * 10_000, 0.1)}) as server:
        (tmp_path / "items.csv").write_text(f"url\n{server.url('/endless.jpg')}\n")
        command = [sys.executable, "-m", "cli", "run", str(tmp_path / "pipeline.yaml"), "--runner", runner, "--json"]
        marked = environment(own_server=True) | {"RUSHES_TEST_MARK": str(tmp_path)}
        with (tmp_path / "stderr").open("w") as errors:
            process = subprocess.Popen(command, cwd=ROOT, env=marked, stdout=subprocess.PIPE, stderr=errors)
        while process.poll() is None and not server.requests:
            time.sleep(0.05)
        process.send_signal(how)
        output, _ = process.communicate(timeout=30)
    said = (tmp_path / "stderr").read_text()
    assert process.returncode == 130, said
    assert json.loads(output.splitlines()[-1])["error"]["code"] == "interrupted"
    assert "Traceback" not in said
    assert gone(str(tmp_path)) == []
    assert list(Path("/tmp").glob(f"rushes-{process.pid}-*")) == []
