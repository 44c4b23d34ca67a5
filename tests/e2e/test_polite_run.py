"""A whole run, of more batches than there are cores, asks no host for more at a time than its limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.demo_run import run
from tests.http_server import Answer, Meter, ok, serve
from tests.rushes.runs import png

_ITEMS = 80
_PIPELINE = """
name: polite
source: items.csv
output: ./dataset
download: {allow_private_hosts: ["127.0.0.1"], per_host: 3}
export: {format: coco}
run: {batch_size: 10}
"""


@pytest.mark.parametrize("runner", ["threads", "ray"])
def test_all_batches_of_a_run_share_the_slots_of_a_host(tmp_path: Path, runner: str) -> None:
    meter = Meter()
    routes: dict[str, Answer | bytes] = {
        f"/{number}.png": meter.before(ok(png(tmp_path / f"{number}.png", f"#0000{number:02x}"), "image/png"), 0.03)
        for number in range(_ITEMS)
    }
    (tmp_path / "pipeline.yaml").write_text(_PIPELINE)
    with serve(routes) as server:
        (tmp_path / "items.csv").write_text("url\n" + "".join(f"{server.url(path)}\n" for path in routes))
        ended = run(tmp_path / "pipeline.yaml", "--runner", runner, dataset="dataset")
        assert ended.code == 0, ended.stderr
        assert len(server.requests) == _ITEMS
    assert meter.most == 3
    assert "ledger of hosts" not in ended.stderr
    work = json.loads((ended.dataset / "export_summary.json").read_bytes())["work"]
    assert work["download"]["batches"] == _ITEMS / 10
