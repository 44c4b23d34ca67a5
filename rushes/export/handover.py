"""What a batch of an export hands to its end: files in `runs/<run>/export/`, and a seal over them, written last.

<batch>.rows.jsonl      rows of the manifest
<batch>.files.jsonl     files of the dataset
<batch>.sources.jsonl   rows of the source, as they were given
<batch>.parts.jsonl     what the exporter emitted
<batch>.gathered.jsonl  what its hooks gathered on `self`
<batch>.lost.jsonl      what a strict export may not lose
<batch>.messages.jsonl  warnings
<batch>.seal.json       length and CRC-32 of each
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from rushes import seals
from rushes.errors import LedgerError
from rushes.jsonl import atomic_write
from rushes.seals import Sealing
from rushes.workspace import Workspace

__all__ = ["damaged", "handed_over", "handing_over"]

_KINDS = ("rows", "files", "sources", "parts", "gathered", "lost", "messages")


class _Seal(msgspec.Struct, frozen=True):
    files: dict[str, tuple[int, int]]


@contextmanager
def handing_over(workspace: Workspace, run: str, batch: str) -> Iterator[Mapping[str, Sealing]]:
    """Opens what a batch hands over, by kind; all of it counts when the block ends well, and nothing before."""
    with ExitStack() as stack:
        files = {
            kind: Sealing(stack.enter_context(atomic_write(handed_over(workspace, run, batch, kind))))
            for kind in _KINDS
        }
        yield files
    seals.save(_seal_of(workspace, run, batch), _Seal({kind: file.state for kind, file in files.items()}))


def handed_over(workspace: Workspace, run: str, batch: str, kind: str) -> Path:
    """Returns the file in which a batch of an export hands something to the end."""
    return workspace.run(run) / "export" / f"{batch}.{kind}.jsonl"


def damaged(workspace: Workspace, run: str, batch: str) -> list[str]:
    """Returns which of a batch's files are not what it handed over, relative to the workspace."""
    path = _seal_of(workspace, run, batch)
    try:
        files = seals.load(path, _Seal).files
    except (FileNotFoundError, LedgerError):
        return [workspace.relative(path)]
    paths = {kind: handed_over(workspace, run, batch, kind) for kind in _KINDS}
    return [
        workspace.relative(path)
        for kind, path in paths.items()
        if kind not in files or not seals.is_whole(path, files[kind])
    ]


def _seal_of(workspace: Workspace, run: str, batch: str) -> Path:
    return workspace.run(run) / "export" / f"{batch}.seal.json"
