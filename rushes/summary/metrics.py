"""What a run came to, as a file of metrics that Prometheus reads by way of node-exporter's textfile collector.

Runs end, so nobody could scrape them. Who wants the file names its folder in `RUSHES_METRICS_DIR`, on the machine of
the run's driver: a Prefect worker's, or that of the command.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from rushes.jsonl import atomic_write
from rushes.summary.outcome import STATUSES, RunOutcome

__all__ = ["write_metrics"]

_log = logging.getLogger(__name__)
_HELP = {
    "end_timestamp_seconds": "When the last run of the dataset ended, since the epoch.",
    "failed": "Whether that run failed by what came of it.",
    "elapsed_seconds": "How long it took.",
    "items": "Its planned items, by how they stand.",
    "failures": "Its items that did not end ok, by error code.",
    "stage_items": "Items that a stage did in it.",
    "stage_bytes": "Bytes that a stage did in it.",
    "stage_busy_seconds": "How long all batches of a stage were at work in it.",
}
_STAGE = {"stage_items": "done", "stage_bytes": "bytes", "stage_busy_seconds": "busy_s"}
_Figure = tuple[dict[str, str], float]


def write_metrics(name: str, outcome: RunOutcome, failed: bool) -> None:
    """Writes `rushes_<name>.prom` where `RUSHES_METRICS_DIR` says; no run fails of a folder that cannot be written.

    Args:
        name: The dataset's, which has no character that a label would have to escape.
        outcome: What its run came to.
        failed: Whether that is a failure.
    """
    folder = os.environ.get("RUSHES_METRICS_DIR")
    if not folder:
        return
    try:
        with atomic_write(Path(folder) / f"rushes_{name}.prom") as file:
            file.write("".join(_lines(name, outcome, failed)).encode())
    except OSError as error:
        _log.warning("RUSHES_METRICS_DIR = %r: the metrics of the run cannot be written: %s", folder, error)


def _lines(name: str, outcome: RunOutcome, failed: bool) -> Iterator[str]:
    for metric, text in _HELP.items():
        yield f"# HELP rushes_run_{metric} {text}\n# TYPE rushes_run_{metric} gauge\n"
        for labels, value in _figures(metric, outcome, failed):
            said = "".join(f',{label}="{given}"' for label, given in labels.items())
            yield f'rushes_run_{metric}{{dataset="{name}"{said}}} {value!r}\n'


def _figures(metric: str, outcome: RunOutcome, failed: bool) -> list[_Figure]:
    if metric in _STAGE:
        return [({"stage": stage}, work[_STAGE[metric]]) for stage, work in outcome.work.items()]
    figures: dict[str, list[_Figure]] = {
        "end_timestamp_seconds": [({}, round(time.time(), 3))],
        "failed": [({}, int(failed))],
        "elapsed_seconds": [({}, outcome.elapsed_s)],
        "items": [({"status": status}, outcome.items[status]) for status in STATUSES],
        "failures": [({"code": code}, count) for code, count in outcome.failures_by_code.items()],
    }
    return figures[metric]
