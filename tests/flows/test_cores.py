"""How many cores a batch of transcodes takes, of a real Ray and without one."""

from __future__ import annotations

import pytest
import ray

from flows.cores import transcode_cores
from rushes.pipeline_file import validate


@pytest.mark.parametrize(("wanted", "given"), [(1, 1), (2, 2), (64, 3)])
def test_no_more_cores_than_a_node_has_and_one_without_a_ray(wanted: int, given: int) -> None:
    config = validate({"name": "a", "source": "a.csv", "run": {"transcode_cores": wanted}}, "test")
    assert transcode_cores(config) == 1
    ray.init(address="local", num_cpus=3, include_dashboard=False, log_to_driver=False)
    try:
        assert transcode_cores(config) == given
    finally:
        ray.shutdown()
