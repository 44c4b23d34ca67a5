"""A node of the cluster that loses power in the middle of a run costs time, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.server import serve
from tests.e2e.demo_run import digests, environment, run
from tests.node_loss import lose_node, run_on, write_items, write_pipeline
from tests.ray_nodes import Nodes, nodes


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("lost")
    with serve(folder / "media") as server:
        yield write_items(folder, 30, server)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    with nodes(2) as running:
        yield running


@pytest.mark.timeout(600)  # three starts of Ray nodes, and two runs
def test_a_run_whose_node_goes_in_mid_transcode_ends_with_the_same_bytes(
    source: Path, cluster: Nodes, tmp_path: Path
) -> None:
    undisturbed = run(write_pipeline(tmp_path / "whole", source), "--runner", "threads")
    assert undisturbed.code == 0, undisturbed.stderr
    pipeline = write_pipeline(tmp_path / "lost", source)
    good, _, taken, log = run_on(environment() | cluster.environment, pipeline, lose_node(cluster, "transcode"))
    assert good, log
    assert taken
    assert len(cluster.lost()) == 1
    assert digests(pipeline.parent / "street-scenes") == digests(undisturbed.dataset)
