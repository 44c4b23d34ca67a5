"""What the workers of an ingest do, without the orchestrator: the plan, then each batch, a process for each core.

`python -m benchmarks.ingest_worker PIPELINE.yaml REPORT.json [--media]`
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import time
from functools import partial
from pathlib import Path

from rushes.config import Pipeline
from rushes.ingest import checksum_batch, download_batch, transcode_batch
from rushes.pipeline_file import load
from rushes.plan import make_plan, new_run
from rushes.results import BatchResult
from rushes.workspace import Batch, Workspace, locked


def main() -> None:
    """Ingests, and writes what it took and what came of it to the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pipeline", type=Path)
    parser.add_argument("report", type=Path)
    parser.add_argument("--media", action="store_true", help="probe and transcode, too")
    options = parser.parse_args()
    pipeline = load(options.pipeline)
    options.report.write_text(json.dumps(_ingest(pipeline, options.media)))


def _ingest(pipeline: Pipeline, media: bool) -> dict[str, float]:
    start_s = time.monotonic()
    with locked(pipeline.workspace_place):
        plan = make_plan(pipeline, Workspace(Path(pipeline.workspace_place)), new_run())
        planned_s = time.monotonic() - start_s
        # Forked, so that they have imported everything, as a runner's workers have.
        with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
            done = workers.map(partial(_batch, pipeline, media), plan.batches, chunksize=1)
    return {
        "plan_s": planned_s,
        "wall_s": time.monotonic() - start_s,
        "stopped": sum(result.stopped for results, _ in done for result in results),
        "bytes": sum(result.size_bytes for results, _ in done for result in results if result.stage == "checksum"),
        "worker_mb": max((peak_mb for _, peak_mb in done), default=0.0),
    }


def _batch(pipeline: Pipeline, media: bool, batch: Batch) -> tuple[list[BatchResult], float]:
    steps = (download_batch, checksum_batch, transcode_batch)[: 3 if media else 2]
    results = [step(pipeline, Workspace(Path(pipeline.workspace_place)), batch) for step in steps]
    return results, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
