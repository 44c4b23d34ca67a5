"""Runs on a storage that are killed at random moments: the last one ends with the same files, and accounts for all.

A run is a process of its own, `python -m tests.rushes.storage.test_killed_runs PIPELINE.yaml`, whose lock dies sooner
than a user's would.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from rushes.pipeline_file import load
from rushes.storage import Storage
from rushes.storage.lease import leased
from tests.e2e.demo_run import ROOT
from tests.http_server import serve
from tests.rushes.runs import png, run_apart
from tests.rushes.storage.test_runs import files, local_files
from tests.rushes.video.clips import coloured

KILLS = 4
_PIPELINE = """
name: far
source: items.csv
workspace: {workspace}
download: {{allow_private_hosts: ["127.0.0.1"]}}
transcode: {{profile: web, preset: ultrafast}}
frames: {{every_s: 1.0}}
run: {{batch_size: 4}}
"""


def start(pipeline: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.rushes.storage.test_killed_runs", str(pipeline)], cwd=ROOT)


def test_a_run_that_was_killed_again_and_again_ends_as_one_that_was_not(
    storage: Storage, place: str, tmp_path: Path
) -> None:
    served = tmp_path / "served"
    for number in range(12):
        png(served / f"{number}.png", size=(40 + number, 30))
    coloured(served / "clip.mp4")
    moments = random.Random(place.partition(":")[0])
    with serve(served) as server:
        (tmp_path / "items.csv").write_text(
            "url\n" + "".join(f"{server.url(f'/{path.name}')}\n" for path in sorted(served.iterdir()))
        )
        for name, workspace in (("far", f"{place}/{Path(storage.url).name}"), ("near", tmp_path / "near")):
            (tmp_path / f"{name}.yaml").write_text(_PIPELINE.format(workspace=workspace))
        run_apart(load(tmp_path / "near.yaml"))
        for _ in range(KILLS):
            process = start(tmp_path / "far.yaml")
            asked = len(server.requests)
            while process.poll() is None and len(server.requests) == asked and not any(storage.list("media")):
                time.sleep(0.05)
            time.sleep(moments.uniform(0, 2))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert start(tmp_path / "far.yaml").wait(120) == 0
    for folder in ("media", "derived", "datasets/far"):
        assert files(storage, folder) == local_files(tmp_path / "near" / folder)
    assert not any(entry.name.startswith(("lock", "datasets/.")) for entry in storage.list())


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rushes.storage.lease.leased", partial(leased, renewed_s=0.2, stale_s=1.5))
        run_apart(load(Path(sys.argv[1])))
