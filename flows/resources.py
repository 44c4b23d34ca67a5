"""What a batch of transcodes asks of its node, and whether the cluster has a node that could ever give it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import ray

from rushes.config import Pipeline
from rushes.errors import ConfigError

__all__ = ["ONE_CORE", "check_nodes", "transcode_options"]

ONE_CORE: dict[str, Any] = {"num_cpus": 1}
"""What every other batch asks for."""
_PATIENCE_S = 60.0  # for the first node that has a core, where a cluster is just starting
_GROUP = "ray.io/node-group"
_OWN = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
"""Resources that Ray has options of their own for."""
_NOT_TOLD = ("object_store_memory", "node:", "accelerator_type:")


def transcode_options(config: Pipeline) -> dict[str, Any]:
    """Returns Ray's options for a batch of transcodes; on threads, where nothing is reserved, one core."""
    if not ray.is_initialized():
        return ONE_CORE
    run = config.run
    asked = {"CPU": run.transcode_cores, **run.transcode_resources}
    if run.transcode_memory:
        asked["memory"] = run.transcode_memory
    options = {option: asked.pop(name) for name, option in _OWN.items() if name in asked}
    return options | ({"resources": asked} if asked else {})


def check_nodes(options: Mapping[str, Any]) -> None:
    """Refuses options that no node of the cluster can ever meet, for Ray would wait without end.

    A cluster whose nodes are in groups may grow by a node of another group, so nothing is refused there.

    Raises:
        ConfigError: No node has as much.
    """
    if not ray.is_initialized():
        return
    asked = {name: options[option] for name, option in _OWN.items() if option in options}
    asked |= options.get("resources", {})
    nodes = _nodes()
    if any(node["Labels"].get(_GROUP) for node in nodes) or any(_has(node["Resources"], asked) for node in nodes):
        return
    found = Counter(_told(node["Resources"]) for node in nodes)
    there = "; ".join(f"{count} with {told}" for told, count in found.items())
    raise ConfigError(
        f"{', '.join(_key(name, value) for name, value in asked.items())}: no node of the Ray cluster has as much; "
        f"there {'is' if len(nodes) == 1 else 'are'} {there}. Ask for less, or start a node that has it."
    )


def _nodes() -> list[Any]:
    """Returns the nodes that are up, and waits for the first that has a core."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        nodes = [node for node in ray.nodes() if node["Alive"]]
        grows = any(node["Labels"].get(_GROUP) for node in nodes)
        if grows or any(node["Resources"].get("CPU") for node in nodes) or time.monotonic() > deadline_s:
            return nodes
        time.sleep(0.5)


def _has(resources: Mapping[str, float], asked: Mapping[str, float]) -> bool:
    return all(resources.get(name, 0) >= amount for name, amount in asked.items())


def _key(name: str, amount: float) -> str:
    if name == "CPU":
        return f"run.transcode_cores = {amount:g}" if amount > 1 else "1 core"
    if name == "memory":
        return f"run.transcode_memory = {amount / 2**30:.2f} GiB"
    return f"run.transcode_resources.{name} = {amount:g}"


def _told(resources: Mapping[str, float]) -> str:
    """Returns what a node has, in words."""
    cores, memory = resources.get("CPU", 0), resources.get("memory", 0) / 2**30
    others = sorted(name for name in resources if name not in _OWN and not name.startswith(_NOT_TOLD))
    named = [f"{name} {resources[name]:g}" for name in ("GPU", *others) if name in resources]
    return ", ".join([f"{cores:g} cores", f"{memory:.1f} GiB of memory", *named])
