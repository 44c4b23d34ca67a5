"""What a run found damaged, and said: kept beside its plan, so that the end of the run says it again."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from rushes.jsonl import encode, read_lines
from rushes.seals import sealed
from rushes.workspace import Workspace

__all__ = ["damaged_lines", "report_damage", "reported_damage", "whole_lines"]

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


def whole_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Yields each whole line of sealed lines with the byte that it begins at; None for one that is damaged.

    What a crash cut off at the end is no line.
    """
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line if sealed(line[:-1]) else None
            offset += len(line)


def damaged_lines(path: Path) -> list[int]:
    """Returns the numbers of the lines of a file that are damaged, counted from 1."""
    return [number for number, (_, line) in enumerate(whole_lines(path), 1) if line is None]


def _path(workspace: Workspace, run: str) -> Path:
    return workspace.run(run) / "damage.jsonl"
