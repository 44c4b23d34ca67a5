"""Long videos, which are encoded in chunks on all workers at once.

A transcode step leaves them, with where they are to be cut, in `runs/<run>/long/`. When all of those steps are done:

    chunks.jsonl   what there is to make of them: each chunk, and each sound, once; what batches are ranges of
    long.jsonl     the videos; when all chunks are made, the transcode step takes them up, and joins them

A chunk stands below `chunks/<recipe>/` as soon as it is made and found right, so that after a run that was killed the
next one goes on. One that could not be made is no failure yet: who joins makes what is missing, and says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Set
from pathlib import Path

import msgspec

from rushes.batches import cut
from rushes.config import Pipeline
from rushes.errors import RushesError
from rushes.items import PlanItem
from rushes.jsonl import read_lines
from rushes.media import Long, chunk_folder, recipe_of
from rushes.progress import Report, telling
from rushes.records import Verified
from rushes.results import BatchResult, save_result
from rushes.video.chunks import UNFIT, make_part, name_of, place
from rushes.video.config import TranscodeConfig
from rushes.video.cuts import Chunk
from rushes.video.probe import examine
from rushes.workspace import Batch, Workspace

__all__ = ["LongPlan", "chunk_batch", "plan_long"]

# Expected work on one core, in seconds: to cut by, no more.
_FRAME_S = 0.04
_SOUND_FRAME_S = 0.001
_JOIN_S = 3.0


class LongPlan(msgspec.Struct, frozen=True):
    """What is to be done with long videos: first all of the one, then all of the other.

    Attributes:
        chunks: Ranges of `chunks.jsonl`.
        videos: Ranges of `long.jsonl`, for the transcode step.
    """

    chunks: tuple[Batch, ...]
    videos: tuple[Batch, ...]


class _Part(msgspec.Struct, frozen=True, gc=False):
    """A chunk to make, or the sound where there is none."""

    verified: Verified
    key: str
    chunk: Chunk | None


def plan_long(pipeline: Pipeline, workspace: Workspace, run: str) -> LongPlan:
    """Cuts the chunks of the run's long videos into batches, and removes the chunks of all others.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace; all transcode steps of the run are done.
        run: The run's id.
    """
    workspace.need_all(f"runs/{run}/long")
    paths = sorted((workspace.run(run) / "long").glob("*.jsonl"))
    found = {long.verified.sha256: long for path in paths for long in read_lines(path, Long)}
    longs = [found[sha256] for sha256 in sorted(found)]
    recipe = recipe_of(pipeline.transcode_config)
    _sweep(workspace, {chunk_folder(long.verified, recipe) for long in longs})
    parts = ((part, _cost_s(part, long)) for long in longs for part in _parts(long))
    videos = ((PlanItem(one.verified.sha256, one.verified.source, verified=one.verified), _JOIN_S) for one in longs)
    folder = workspace.run(run)
    # However many items the pipeline puts into a batch: an item is not a chunk.
    return LongPlan(
        tuple(cut(folder / "chunks.jsonl", parts, run, workspace, None)),
        tuple(cut(folder / "long.jsonl", videos, run, workspace, None)),
    )


def chunk_batch(pipeline: Pipeline, workspace: Workspace, batch: Batch, report: Report | None = None) -> BatchResult:
    """Makes the chunks of a batch, one after the other; those that are here already are left as they are."""
    start = time.monotonic()
    workspace.need(batch.plan)
    parts = list(read_lines(workspace.path(batch.plan), _Part, batch.offset, batch.count))
    config = pipeline.transcode_config
    made = stopped = 0
    with telling(workspace, batch, "chunks", report) as tell:
        for number, part in enumerate(parts, 1):
            try:
                made += config is not None and _make(part, workspace, config)
            except RushesError:  # the transcode step meets it, too, and says it
                stopped += 1
            tell(number, len(parts))
    return save_result(workspace, BatchResult(batch, "chunks", len(parts), made, stopped, 0, time.monotonic() - start))


def _make(part: _Part, workspace: Workspace, config: TranscodeConfig) -> bool:
    folder = place(Path(chunk_folder(part.verified, recipe_of(config))), part.key)
    if {f"{folder}/{name}" for name in (name_of(part.chunk), UNFIT)} & {*workspace.names(str(folder))}:
        return False
    workspace.need(part.verified.path)
    source = workspace.path(part.verified.path)
    return make_part(source, workspace.path(str(folder)), config, examine(source), part.chunk)


def _parts(long: Long) -> Iterator[_Part]:
    if long.sound:
        yield _Part(long.verified, long.key, None)
    for chunk in long.chunks:
        yield _Part(long.verified, long.key, chunk)


def _cost_s(part: _Part, long: Long) -> float:
    if part.chunk is None:
        return _SOUND_FRAME_S * sum(chunk.frames for chunk in long.chunks)
    return _FRAME_S * part.chunk.frames


def _sweep(workspace: Workspace, keep: Set[str]) -> None:
    """Removes the chunks of videos that nobody joins any more: of other recipes, of rows that are gone."""
    for name in list(workspace.names("chunks")):
        if name.rpartition("/")[0].rpartition("/")[0] not in keep:
            workspace.remove(name)
