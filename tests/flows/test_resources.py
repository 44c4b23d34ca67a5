"""What a batch of transcodes takes of its node, and what no node has, on a real Ray."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import ray

from flows.resources import ONE_CORE, check_nodes, transcode_options
from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.pipeline_file import validate


def pipeline(**run: Any) -> Pipeline:
    return validate({"name": "a", "source": "a.csv", "run": run}, "test")


def assigned() -> Any:
    context: Any = ray.get_runtime_context()
    return context.get_assigned_resources()


@pytest.fixture(scope="module")
def node() -> Iterator[None]:
    """A Ray of one node with three cores, and a resource as one gives it a name."""
    own: dict[str, Any] = {"num_cpus": 3, "resources": {"gpu_encoder": 1}, "_memory": 2 * 2**30}
    ray.init(address="local", include_dashboard=False, log_to_driver=False, **own)
    yield
    ray.shutdown()


def test_without_a_ray_nothing_is_reserved_and_nothing_refused() -> None:
    options = transcode_options(pipeline(transcode_cores=64, transcode_resources={"gpu_encoder": 8}))
    assert options == ONE_CORE
    check_nodes(options)


def test_an_autoscaler_may_start_a_node_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_NODE_TYPE_NAME", "media")  # as it starts its own
    ray.init(address="local", include_dashboard=False, log_to_driver=False, num_cpus=0)
    try:
        check_nodes(transcode_options(pipeline(transcode_cores=64, transcode_resources={"gpu_encoder": 1})))
    finally:
        ray.shutdown()


def test_a_task_gets_what_was_asked_for(node: None) -> None:
    asked = pipeline(transcode_cores=2, transcode_memory="1GiB", transcode_resources={"gpu_encoder": 0.5})
    options = transcode_options(asked)
    check_nodes(options)
    given: Any = ray.remote(assigned).options(**options)
    assert ray.get(given.remote(), timeout=120) == {"CPU": 2, "memory": 2**30, "gpu_encoder": 0.5}


def test_what_is_ray_s_own_goes_by_its_own_option(node: None) -> None:
    assert transcode_options(pipeline(transcode_resources={"GPU": 1})) == {"num_cpus": 1, "num_gpus": 1}


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"transcode_cores": 4}, "run.transcode_cores = 4"),
        ({"transcode_memory": "3GiB"}, "1 core, run.transcode_memory = 3.00 GiB"),
        (
            {"transcode_resources": {"gpu_encoder": 2}},
            "1 core, run.transcode_resources.gpu_encoder = 2",
        ),
        ({"transcode_resources": {"tpu": 0.5}}, "1 core, run.transcode_resources.tpu = 0.5"),
        ({"transcode_resources": {"GPU": 1}}, "1 core, run.transcode_resources.GPU = 1"),
    ],
)
def test_what_no_node_has_is_refused_with_what_they_have(node: None, run: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_nodes(transcode_options(pipeline(**run)))
    assert str(refused.value) == (
        f"{said}: no node of the Ray cluster has as much; there is 1 with 3 cores, 2.0 GiB of memory, gpu_encoder 1. "
        "Ask for less, or start a node that has it."
    )


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"transcode_resources": {"gpu_encoder": 1.5}}, "run.transcode_resources.gpu_encoder = 1.5: .*a whole number"),
        ({"transcode_resources": {"gpu_encoder": 0}}, "run.transcode_resources.gpu_encoder = 0: .*greater than 0"),
        ({"transcode_resources": {"CPU": 2}}, r"run.transcode_resources.CPU = 2.*: expected in run.transcode_cores"),
        ({"transcode_memory": "much"}, "run.transcode_memory = 'much': .*expected a size"),
    ],
)
def test_what_ray_could_not_count_is_refused_by_its_key(run: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        pipeline(**run)
