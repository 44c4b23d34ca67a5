"""A cancelled flow run ends its work on all nodes within seconds, and the next one goes on to the same bytes."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.e2e.demo_run import digests
from tests.night import Night, until
from tests.operations.slow import NAME, begin, settings
from tests.ray_nodes import nodes

_log = logging.getLogger(__name__)  # `-o log_cli=true --log-cli-level=INFO` shows how long it took
_STAGES = tuple(f"ray::{stage}" for stage in ("plan", "download", "checksum", "transcode", "chunks", "export"))


def _none(ask: Callable[[], object]) -> bool:
    return not ask()


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("place", ["threads", "ray", "cluster"])
def test_cancelled_in_one_pass_and_amid_chunks_a_run_ends_and_the_next_one_goes_on(
    parts: Night,
    media: Path,
    undisturbed: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    deployment, work = "pipeline/threads" if place == "threads" else "pipeline/pipeline", tmp_path / "work"
    monkeypatch.setenv("RUSHES_FFMPEG", parts.environment["RUSHES_FFMPEG"])  # of the cluster's nodes, too
    with ExitStack() as stack:
        cluster = stack.enter_context(nodes(2)) if place == "cluster" else None
        parts.start_worker(**(cluster.environment if cluster else {}))

        def at_work(*words: str) -> list[psutil.Process]:
            return parts.processes(*words) + (cluster.processes(*words) if cluster else [])

        for split_s in (0, 5):
            run = begin(parts, deployment, settings(media, work, split_s))
            assert at_work(str(work))  # ffmpeg
            assert place == "threads" or at_work(*_STAGES)
            parts.cancel(run)
            asked_s = time.monotonic()
            until(partial(_none, partial(at_work, str(work), *_STAGES)), parts.log)
            _log.info("%s, split %d: stopped after %.1f s", place, split_s, time.monotonic() - asked_s)
            assert parts.ended(run)["state_type"] == "CANCELLED"
            _log.info("%s, split %d: cancelled after %.1f s", place, split_s, time.monotonic() - asked_s)
        assert not (work / "datasets" / NAME).exists()
        assert list(work.glob("incoming/*")) == []
        kept = len(list(work.glob("chunks/**/0*.mp4")))
        ended = parts.ended(parts.begin(deployment, settings(media, work, 5)))
    assert kept >= 1
    assert ended["state_type"] == "COMPLETED", ended["state"]
    assert digests(work / "datasets" / NAME) == undisturbed
