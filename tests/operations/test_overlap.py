"""A run that begins while another is at work: it waits, or is told which run that is, and what to do."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.demo_run import ROOT
from tests.http_server import Handler, serve
from tests.night import Night, until


@pytest.mark.timeout(1200)
def test_a_run_beside_another_waits_or_fails_and_says_whom_it_met(parts: Night, tmp_path: Path) -> None:
    parts.start_worker()
    go_on = threading.Event()
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(picture, "BMP")

    def slow(handler: Handler) -> None:
        body = picture.getvalue()
        handler.head(200, Content_Length=len(body))
        for number in range(len(body) - 1):
            handler.wfile.write(body[number : number + 1])
            if go_on.is_set() or handler.wait(0.2):
                handler.wfile.write(body[number + 1 :])
                return

    work = tmp_path / "work"
    with serve({"/slow.bmp": slow}) as server:
        (tmp_path / "items.csv").write_text(f"url\n{server.url('/slow.bmp')}\n")
        config = {
            "name": "nightly",
            "source": str(tmp_path / "items.csv"),
            "workspace": str(work),
            "download": {"allow_private_hosts": ["127.0.0.1"]},
        }
        (tmp_path / "pipeline.yaml").write_text(json.dumps(config))
        first = parts.begin("pipeline/pipeline", config)
        until(lambda: server.requests, parts.log)
        second = parts.begin("pipeline/pipeline", config)
        until(lambda: parts.flow_run(second)["state_name"] == "AwaitingConcurrencySlot", parts.log)
        other = parts.ended(parts.begin("ingest/ingest", config))
        command = [sys.executable, "-m", "cli", "run", str(tmp_path / "pipeline.yaml"), "--runner", "threads"]
        by_hand = subprocess.run(command, cwd=ROOT, env=parts.environment, capture_output=True, text=True, check=False)
        name = parts.flow_run(first)["name"]
        go_on.set()
        assert parts.ended(first)["state_type"] == "COMPLETED"
        assert parts.ended(second)["state_type"] == "COMPLETED"

    said = f"another run is at work here: {name} (pipeline, flow run {first}), process "
    assert other["state_type"] == "FAILED"
    message = other["state"]["message"]
    assert message.startswith(f"Flow run encountered an exception: WorkspaceBusyError: {work}: {said}"), message
    assert f" on host {socket.gethostname()}, since 20" in message
    assert message.endswith("Wait for it to end, or end it, or use another workspace.")
    log = parts.logs(other["id"])
    assert f"workspace_busy: {work}: {said}" in log
    assert "Traceback" not in log
    assert by_hand.returncode == 1, by_hand.stderr
    assert f"{work}: {said}" in by_hand.stderr
    assert "Traceback" not in by_hand.stderr
