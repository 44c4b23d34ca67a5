"""Whether the nodes of a cluster run the code of their driver: what one of them writes, the other reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rushes.errors import VersionMismatchError

__all__ = ["check_code"]

_PACKAGES = ("rushes", "tasks", "flows")
_PATIENCE_S = 60.0
_REMEDY = "Use one image for all of them, or `rushes jobs submit`, which takes the code of this machine along."


def check_code() -> None:
    """Refuses a cluster on whose nodes rushes is not, or another one; each node is asked once, at the same time.

    A node that does not answer in a minute is passed over: it may have fallen, or be about to.

    Raises:
        VersionMismatchError: A node has no rushes, or its files are other ones.
    """
    digest = _digest_of(_PACKAGES)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    asked = {_ask(node["NodeID"], digest): node["NodeManagerAddress"] for node in nodes}
    answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=_PATIENCE_S) if asked else ([], [])
    here = digest()
    for answer in answered:
        try:
            there = ray.get(answer)
        except RayError:
            continue  # a node that fell while it was asked
        if there != here:
            raise VersionMismatchError(
                f"{asked[answer]}: this node of the Ray cluster has {_told(there)}, and the driver has {_told(here)}. "
                f"{_REMEDY}"
            )


def _ask(node: str, digest: Callable[[], Any]) -> Any:
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    options: dict[str, Any] = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": there}
    asked: Any = ray.remote(digest).options(name="code", **options)
    return asked.remote()


def _told(code: tuple[str, str] | None) -> str:
    return "no rushes that it can import" if code is None else f"rushes {code[0]} (code {code[1]})"


def _digest_of(packages: tuple[str, ...]) -> Callable[[], tuple[str, str] | None]:
    """Returns what says version and digest of the packages; a function in a function travels with its code."""

    def digest() -> tuple[str, str] | None:
        import hashlib
        import importlib
        from pathlib import Path

        files: dict[str, Path] = {}
        for package in packages:
            try:
                module: Any = importlib.import_module(package)
            except ImportError:
                return None
            folder = Path(module.__file__).parent
            files |= {f"{package}/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*.py")}
        whole = hashlib.sha256()
        for name in sorted(files):
            whole.update(name.encode() + b"\0" + files[name].read_bytes() + b"\0")
        return importlib.import_module("rushes").__version__, whole.hexdigest()[:8]

    return digest
