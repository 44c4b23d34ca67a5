"""What each stage did with each batch of a run: small files that the aggregation adds up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from rushes.errors import LedgerError
from rushes.seals import load, save
from rushes.workspace import Batch, Workspace

_FIGURES = ("batches", "done", "stopped", "changed", "bytes", "media_s", "busy_s")

_log = logging.getLogger("rushes.results")
_log.addHandler(logging.NullHandler())

__all__ = ["BatchResult", "results", "save_result", "throughput", "work_done"]


class BatchResult(msgspec.Struct, frozen=True):
    """What one stage did with one batch.

    Attributes:
        stage: download, checksum, unpack, transcode, chunks or export.
        items: Items it was given.
        done: Items it brought a step further; the others needed nothing, or were found as they were.
        stopped: Items that ended here as failed or quarantined.
        size_bytes: Bytes fetched, or written.
        elapsed_s: Wall time.
        changed: Items whose bytes are other ones than in an earlier run.
        media_s: Seconds of video that were made.
        archives: Items that were to be unpacked.
        left: Videos that were left to be encoded in chunks.
    """

    batch: Batch
    stage: str
    items: int
    done: int
    stopped: int
    size_bytes: int
    elapsed_s: float
    changed: int = 0
    media_s: float = 0.0
    archives: int = 0
    left: int = 0


def save_result(workspace: Workspace, result: BatchResult) -> BatchResult:
    """Keeps a result for the aggregation, and returns it."""
    folder = workspace.run(result.batch.run) / "results"
    save(folder / f"{result.stage}-{result.batch.name}.json", result)
    return result


def results(workspace: Workspace, run: str, damaged: Callable[[str], object] = _log.warning) -> Iterator[BatchResult]:
    """Yields what each stage did with each batch of a run, in a fixed order.

    Args:
        workspace: The workspace.
        run: The run's id.
        damaged: Told of each result that cannot be read, and is left out of all figures.
    """
    for path in sorted((workspace.run(run) / "results").glob("*.json")):
        try:
            yield load(path, BatchResult)
        except LedgerError:
            damaged(f"{workspace.relative(path)}: damaged; what it counted is missing in the figures of run {run}")


def work_done(done: Iterable[BatchResult]) -> dict[str, dict[str, Any]]:
    """Returns what the batches of each stage did together."""
    stages: dict[str, dict[str, Any]] = {}
    for result in done:
        stage = stages.setdefault(result.stage, dict.fromkeys(_FIGURES, 0))
        stage["batches"] += 1
        stage["done"] += result.done
        stage["stopped"] += result.stopped
        stage["changed"] += result.changed
        stage["bytes"] += result.size_bytes
        stage["media_s"] = round(stage["media_s"] + result.media_s, 3)
        stage["busy_s"] = round(stage["busy_s"] + result.elapsed_s, 3)
    return stages


def throughput(work: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Returns what each stage did in a busy second of one batch; several batches are busy at a time.

    Args:
        work: What `work_done` returned.
    """
    figures = {"items_per_s": "done", "bytes_per_s": "bytes", "media_s_per_s": "media_s"}
    return {
        stage: {name: round(did[figure] / did["busy_s"], 3) for name, figure in figures.items()}
        for stage, did in work.items()
        if did["busy_s"]
    }
