"""What a run found damaged, and said: kept beside its plan, so that the end of the run says it again."""

from __future__ import annotations

import logging
from pathlib import Path

from rushes.jsonl import encode, read_lines
from rushes.workspace import Workspace

__all__ = ["report_damage", "reported_damage"]

_log = logging.getLogger("rushes.damage")
_log.addHandler(logging.NullHandler())


def report_damage(workspace: Workspace, run: str, what: str) -> None:
    """Says what is damaged and what is done about it, now and at the end of the run."""
    _log.warning("%s", what)
    path = _path(workspace, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(encode(what) + b"\n")


def reported_damage(workspace: Workspace, run: str) -> list[str]:
    """Returns what a run found damaged so far."""
    path = _path(workspace, run)
    workspace.need(workspace.relative(path))
    return list(read_lines(path, str)) if path.is_file() else []


def _path(workspace: Workspace, run: str) -> Path:
    return workspace.run(run) / "damage.jsonl"
