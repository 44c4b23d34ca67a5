"""What becomes of a run when one node of its cluster loses power, in every stage: `python -m tests.node_loss`.

Not part of the suite, because it takes most of an hour: one run of 500 items undisturbed, one for each stage in which a
node goes, and one whose Prefect worker goes. Where this machine has network namespaces each node is in one of its own,
and its network goes with it. tests/e2e/test_lost_node.py does the same with fewer items in one stage, on loopback.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

import yaml
from PIL import Image

from examples.demo.server import MediaServer, serve
from examples.demo.source import BROKEN, prepare, write_source
from tests.e2e.demo_run import HOME, ROOT, digests
from tests.namespaces import network, unavailable
from tests.night import ENDED, Night, night
from tests.ray_nodes import Nodes, nodes

__all__ = ["Ended", "Strike", "lose_node", "run_on", "write_items", "write_pipeline"]

_NAME = "street-scenes"
_OPEN = {
    "download": "work/runs/*/downloads/*",
    "checksum": "work/ledger/verified/*",
    "transcode": "work/ledger/media/*",
    "export": "work/runs/*/export/*",
    "aggregate": f".{_NAME}.building/*",
}
"""What a stage's task has open in a run's folder for as long as it works on its items."""
_LIMIT_S = 1800

Strike = Callable[[Path], str]
"""Given a run's folder, takes something away if it is time to, and says what; else nothing."""
Ended = tuple[bool, float, str, str]
"""Whether a run ended well, after how many seconds, what was taken away, and what it had to say."""


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


def write_pipeline(folder: Path, source: Path, batch_size: int = 10, host: str = "127.0.0.1") -> Path:
    """Writes a pipeline file whose run has many small batches, so that every stage is at work on every node.

    Args:
        folder: For the run.
        source: The source file.
        batch_size: Items of a batch.
        host: Where its items are served.
    """
    folder.mkdir()
    settings = yaml.safe_load((ROOT / "examples/demo/pipeline.yaml").read_text())
    settings |= {
        "download": {"allow_private_hosts": [host]},
        "source": str(source),
        "run": {"max_failed": 0.5, "batch_size": batch_size},
    }
    settings |= {"workspace": str(folder / "work"), "output": str(folder / _NAME)}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(settings))
    return folder / "pipeline.yaml"


def lose_node(cluster: Nodes, stage: str, after: int = 1) -> Strike:
    """Returns what kills the node that is at work on a stage, in the middle of a batch.

    The process that has the batch is stopped first, so that the batch cannot end between the look and the kill.

    Args:
        cluster: The cluster.
        stage: The stage.
        after: How many batches are to be through the stage before.
    """

    def strike(folder: Path) -> str:
        done = len([*folder.glob(f"work/runs/*/results/{stage}-*.json")])
        if done < after and stage != "aggregate":
            return ""
        for task in cluster.at_work(stage, str(folder / _OPEN[stage])):
            with task.held() as still:
                if still:
                    cluster.kill(task.node)
                    return f"node {task.node}, which had {task.file.name} open, after {done} batches of the stage"
        return ""

    return strike


def run_on(environment: dict[str, str], pipeline: Path, strike: Strike) -> Ended:
    """Runs a pipeline by the command, and takes something away in the middle of it."""
    command = [sys.executable, "-m", "cli", "run", str(pipeline)]
    given = {"RUSHES_HOME": HOME} | environment
    began_s, taken = time.monotonic(), ""
    log = pipeline.with_name("log.txt")
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=given, stdout=out, stderr=out) as process:
        while process.poll() is None and not (taken := strike(pipeline.parent)):
            time.sleep(0.01)
        code = process.wait(_LIMIT_S)
    return code == 0, time.monotonic() - began_s, taken, log.read_text()


def deploy_on(parts: Night, cluster: Nodes, pipeline: Path) -> Ended:
    """Has a Prefect worker run a pipeline, and takes the worker away while a node transcodes."""
    parts.start_worker()
    began_s = time.monotonic()
    run, taken = parts.begin("pipeline/pipeline", yaml.safe_load(pipeline.read_text())), False
    while (state := parts.flow_run(run)["state_type"]) not in ENDED and time.monotonic() < began_s + _LIMIT_S:
        if not taken and any(cluster.at_work("transcode", str(pipeline.parent / _OPEN["transcode"]))):
            parts.kill("worker")
            taken = True
        time.sleep(0.5 if taken else 0.05)
    said = "the worker, while a node transcoded" if taken else ""
    return state == "COMPLETED", time.monotonic() - began_s, said, parts.logs(run)


def _runs(
    parts: Night, cluster: Nodes, pipelines: Callable[[str], Path], after: int, stages: Collection[str]
) -> Iterator[tuple[str, Ended]]:
    yield "undisturbed", run_on(parts.environment, pipelines("undisturbed"), lambda _: "")
    for stage in stages or _OPEN:
        yield stage, run_on(parts.environment, pipelines(stage), lose_node(cluster, stage, after))
        for number in cluster.lost():
            cluster.start(number)
    if not stages:
        yield "worker", deploy_on(parts, cluster, pipelines("worker"))


def _tell(what: str, ended: Ended, whole_s: float, verdict: str) -> None:
    good, elapsed_s, taken, log = ended
    figures = f"{elapsed_s:6.1f} s  {elapsed_s / whole_s:4.2f}"
    sys.stdout.write(f"{what:<12} {'completed' if good else 'FAILED'}  {figures}  {verdict}  {taken}\n")
    sys.stdout.write("" if good else log)
    sys.stdout.flush()


def _compare(runs: Iterator[tuple[str, Ended]], folder: Path) -> int:
    expected: dict[str, str] = {}
    whole_s, wrong = 0.0, 0
    for what, ended in runs:
        made = digests(folder / what / _NAME)
        expected, whole_s = expected or made, whole_s or ended[1]
        same = ended[0] and made == expected
        wrong += not (same and (ended[2] or what == "undisturbed"))
        _tell(what, ended, whole_s, f"{len(made)} files, {'the same bytes' if same else 'OTHER BYTES'}")
    return wrong


def main() -> int:
    """Prints for each run how it ended, how long it took, what went, and whether its dataset is the same."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--stage", action="append", choices=_OPEN, help="all, and the worker, as it comes")
    parser.add_argument("--loopback", action="store_true", help="kill the processes of a node, and leave its network")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that no node outlives this
    why = "as asked for" if options.loopback else unavailable()
    sys.stdout.write(f"On loopback: {why}\n" if why else "Each node in a network namespace of its own\n")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        machines = None if why else stack.enter_context(network())
        host = machines.host if machines else "127.0.0.1"
        source = write_items(folder, options.items, stack.enter_context(serve(folder / "media", host=host)))
        cluster = stack.enter_context(nodes(options.workers, machines))
        parts = stack.enter_context(night(folder / "night", host, **cluster.environment))
        batch_size = max(10, options.items // 20)

        def pipeline(what: str) -> Path:
            return write_pipeline(folder / what, source, batch_size, host)

        after = options.items // batch_size // 3
        return _compare(_runs(parts, cluster, pipeline, after, options.stage or ()), folder)


if __name__ == "__main__":
    sys.exit(main())
