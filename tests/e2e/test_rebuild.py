"""The command that makes a dataset again: as a flow run, from a place that its media never stood in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from rushes.summary.verify import verify_dataset
from tests.e2e.demo_run import run, rushes
from tests.http_server import Answer, ok, serve, status
from tests.rushes.runs import png
from tests.rushes.video.clips import card

_PIPELINE = """
name: made
source: items.jsonl
output: dataset
download: {allow_private_hosts: [127.0.0.1], attempts: 1}
transcode: {preset: ultrafast, resolution: 64x48}
frames: {every_s: 0.5}
export: {format: yolo, classes: {vehicle: [van, car], pet: [cat]}}
run: {max_failed: 1, batch_size: 3}
"""


@pytest.mark.timeout(600)  # three runs, on a machine that may be busy
@pytest.mark.parametrize("runner", ["ray", "threads"])
def test_a_dataset_is_made_again_from_its_small_files_alone(tmp_path: Path, runner: str) -> None:
    clip = card(tmp_path / "clip.mkv", "-c:v", "mpeg4", seconds=1).read_bytes()
    routes: dict[str, Answer] = {f"/{n}.png": ok(png(tmp_path / "x.png", f"#0000{n:02x}")) for n in range(8)}
    first, small, again = tmp_path / "first", tmp_path / "small", tmp_path / "else where" / "again"
    first.mkdir()
    small.mkdir()
    with serve(routes | {"/clip.mkv": ok(clip)}) as server:
        label = [{"class": "van", "box": [1, 2, 12, 9]}]
        rows = [{"id": f"p{n}", "url": server.url(f"/{n}.png"), "annotations": label} for n in range(8)]
        rows += [{"id": "clip", "url": server.url("/clip.mkv")}, {"id": "gone", "url": server.url("/gone.png")}]
        (first / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (first / "pipeline.yaml").write_text(_PIPELINE)
        made = run(first / "pipeline.yaml", "--runner", runner, dataset="dataset")
        assert made.code == 0, made.stderr
        for name in ("manifest.jsonl", "sources.jsonl", "rebuild.json", "checksums.sha256"):
            shutil.copy(made.dataset / name, small)
        shutil.rmtree(first)
        command = ("rebuild", small, again, "--runner", runner, "--allow-host", "127.0.0.1", "--json")
        done = rushes(*command)
        result = json.loads(done.stdout.splitlines()[-1])
        assert done.returncode == 0, done.stderr
        assert (result["status"], result["expected"]) == ("ok", result["actual"])
        assert (again / "checksums.sha256").read_bytes() == (small / "checksums.sha256").read_bytes()
        assert verify_dataset(again).intact
        assert not again.with_name("again.rebuild").exists(), "nothing is left to do there"

        server.routes["/3.png"] = ok(png(tmp_path / "y.png", "red"))
        server.routes["/5.png"] = status(404)
        done = rushes(*command)
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, result["status"]) == (1, "failed")
    assert {one["id"]: one["reason"] for one in result["first"]} == {"p3": "changed", "p5": "gone"}
    changed = result["first"][0]
    assert f"expected sha256 {changed['expected_sha256']}, got {changed['actual_sha256']}" in done.stdout
    assert again.with_name("again.rebuild").exists(), "another try goes on from here"
