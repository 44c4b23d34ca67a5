"""The command on a long video: encoded in chunks on all workers and joined; interrupted, it ends, and goes on later."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from rushes.pipeline_file import load
from rushes.video import transcode_video
from tests.e2e.demo_run import ROOT, digests, environment, run
from tests.e2e.test_killed_run import gone
from tests.rushes.video.clips import card, coloured

_PIPELINE = """
name: long
source: items.csv
output: long
transcode: {{preset: {preset}, split_s: {split_s}}}
frames: {{every_s: 5.0}}
"""


def prepared(folder: Path, preset: str, split_s: int) -> Path:
    folder.mkdir()
    (folder / "items.csv").write_text("id,url\nlong,../long.mkv\nshort,../short.mkv\n")
    (folder / "pipeline.yaml").write_text(_PIPELINE.format(preset=preset, split_s=split_s))
    return folder / "pipeline.yaml"


def test_a_long_video_is_encoded_on_all_workers_and_the_dataset_is_that_of_threads(tmp_path: Path) -> None:
    codec = ("-c:v", "mpeg4", "-q:v", "2", "-g", "10")
    coloured(tmp_path / "long.mkv", *codec, frames=410)
    coloured(tmp_path / "short.mkv", *codec, frames=15)
    ray = run(prepared(tmp_path / "ray", "ultrafast", 5), "--runner", "ray", dataset="long")
    threads = run(prepared(tmp_path / "threads", "ultrafast", 5), "--runner", "threads", dataset="long")
    assert ray.code == threads.code == 0, ray.stderr + threads.stderr
    for found in (ray, threads):
        work = found.result["work"]
        assert (work["chunks"]["done"], work["chunks"]["stopped"]) == (9, 0)
        assert work["chunks"]["batches"] > 1
        assert (work["transcode"]["done"], found.result["items"]["ok"]) == (2, 2)
    assert digests(ray.dataset) == digests(threads.dataset)
    config = load(tmp_path / "ray" / "pipeline.yaml").transcode_config
    alone = transcode_video(tmp_path / "long.mkv", tmp_path / "alone.mp4", config).read_bytes()
    assert alone in [path.read_bytes() for path in (tmp_path / "ray" / "work" / "derived").rglob("*.mp4")]
    assert [path for path in (tmp_path / "ray" / "work" / "chunks").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("runner", ["threads", "ray"])
def test_interrupted_amid_chunks_a_run_ends_its_encoders_and_the_next_one_goes_on(tmp_path: Path, runner: str) -> None:
    card(tmp_path / "long.mkv", "-c:v", "mpeg4", "-q:v", "2", "-g", "25", size="480x360", seconds=30)
    coloured(tmp_path / "short.mkv", "-c:v", "mpeg4")
    pipeline = prepared(tmp_path / "here", "slow", 5)
    command = [sys.executable, "-m", "cli", "run", str(pipeline), "--runner", runner, "--json"]
    marked = environment(own_server=True) | {"RUSHES_TEST_MARK": str(tmp_path)}
    with (tmp_path / "stderr").open("w") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=marked, stdout=subprocess.PIPE, stderr=errors)
    chunks = tmp_path / "here" / "work" / "chunks"
    while process.poll() is None and not list(chunks.rglob("0*.mp4")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, (tmp_path / "stderr").read_text()
    assert json.loads(output.splitlines()[-1])["error"]["code"] == "interrupted"
    assert gone(str(tmp_path)) == []
    found = (found.info["cmdline"] or [] for found in psutil.process_iter(["cmdline"]))
    assert [words for words in found if any(str(tmp_path) in word for word in words)] == []
    finished = {path.name: path.stat().st_mtime_ns for path in chunks.rglob("0*.mp4")}
    assert 1 <= len(finished) < 6
    again = run(pipeline, "--runner", runner, dataset="long")
    assert again.code == 0, again.stderr
    assert again.result["work"]["chunks"]["done"] == 6 - len(finished)
    assert list(chunks.rglob("*.mp4")) == []
