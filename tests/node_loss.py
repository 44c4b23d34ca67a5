"""What becomes of a run when one node of its cluster loses power, in every stage: `python -m tests.node_loss`.

Not part of the suite, because it takes a quarter of an hour: one run of 500 items undisturbed, and one for each stage
in which a node goes. tests/e2e/test_lost_node.py does the same with fewer items in one stage.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml
from PIL import Image

from examples.demo.server import MediaServer, serve
from examples.demo.source import BROKEN, prepare, write_source
from tests.e2e.demo_run import HOME, ROOT, digests
from tests.ray_nodes import Nodes, nodes

__all__ = ["STAGES", "run_on", "write_items", "write_pipeline"]

_NAME = "street-scenes"


def _any(pattern: str) -> Callable[[Path], bool]:
    return lambda folder: any(True for _ in folder.glob(pattern))


STAGES = {
    "download": _any("work/runs/*/plan.json"),
    "checksum": _any("work/runs/*/results/download-*.json"),
    "transcode": _any("work/derived/*/*/*"),
    "export": _any(f".{_NAME}.building/images/*/*"),
    "aggregate": _any(f".{_NAME}.building/manifest.jsonl"),
}
"""What shows in a run's folder that a stage has begun."""


def write_items(folder: Path, count: int, server: MediaServer) -> Path:
    """Makes the demo's items and as many pictures beside them as are asked for, and returns the source file."""
    media, source = folder / "media", folder / "items.csv"
    demo = prepare(media)
    write_source(source, demo, media, server)
    columns = source.read_text().splitlines()[0].count(",")
    with source.open("a") as file:
        for number in range(count - len(demo) - len(BROKEN)):
            colour = (number * 37 % 256, number * 91 % 256, number * 53 % 256)
            Image.new("RGB", (320 + number % 7, 240), colour).save(media / f"plain-{number:04}.jpg")
            file.write(server.url(f"plain-{number:04}.jpg") + "," * columns + "\n")
    return source


def write_pipeline(folder: Path, source: Path) -> Path:
    """Writes a pipeline file whose run has many small batches, so that every stage is at work on every node."""
    folder.mkdir()
    settings = yaml.safe_load((ROOT / "examples/demo/pipeline.yaml").read_text())
    settings |= {"source": str(source), "run": {"max_failed": 0.5, "batch_size": 10}}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    return folder / "pipeline.yaml"


def run_on(
    cluster: Nodes, pipeline: Path, lost: Callable[[], None], at: Callable[[Path], bool]
) -> tuple[int, float, str]:
    """Runs a pipeline, takes something away when a stage has begun, and returns exit code, seconds and messages."""
    command = [sys.executable, "-m", "cli", "run", str(pipeline)]
    environment = {"RUSHES_HOME": HOME} | os.environ | cluster.environment
    environment.pop("PREFECT_API_URL", None)
    began = time.monotonic()
    log = pipeline.with_name("log.txt")
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as process:
        while process.poll() is None and not at(pipeline.parent):
            time.sleep(0.01)
        if process.poll() is None:
            lost()
        code = process.wait(600)
    return code, time.monotonic() - began, log.read_text()


def main() -> int:
    """Prints for each stage how the run ended, how long it took, and whether its dataset is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--workers", type=int, default=3)
    options = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name, serve(Path(name) / "media") as server:
        folder = Path(name)
        source = write_items(folder, options.items, server)
        with nodes(options.workers) as cluster:
            code, whole_s, log = run_on(cluster, write_pipeline(folder / "whole", source), lambda: None, lambda _: True)
            assert code == 0, log
            expected = digests(folder / "whole" / _NAME)
            sys.stdout.write(f"{'undisturbed':<12} exit {code}  {whole_s:6.1f} s  {len(expected)} files\n")
            for number, (stage, begun) in enumerate(STAGES.items()):
                node = 1 + number % options.workers
                pipeline = write_pipeline(folder / stage, source)
                code, elapsed_s, log = run_on(cluster, pipeline, lambda node=node: cluster.kill(node), begun)  # type: ignore[misc]
                was_lost, same = not cluster.alive(node), code == 0 and digests(folder / stage / _NAME) == expected
                cluster.start(node)
                wrong += not (was_lost and same)
                verdict = "same bytes" if same else f"DIFFERS\n{log}"
                sys.stdout.write(f"{stage:<12} exit {code}  {elapsed_s:6.1f} s  node lost: {was_lost}  {verdict}\n")
                sys.stdout.flush()
    return wrong


if __name__ == "__main__":
    sys.exit(main())
