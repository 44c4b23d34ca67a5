"""Ledgers are looked through before a run is planned: what is damaged is named, and taken out.

What a line spoke of that is no more is unknown to the plan, and so it is done again; all others are as they were. The
damaged segment is kept beside the mended one, as `<segment>.damaged`.

A line that is gone leaves no trace in its segment. But the latest run counted what it wrote, so a segment that it left
is known to be too short, or to be missing.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rushes.damage import report_damage
from rushes.jsonl import atomic_write
from rushes.results import results
from rushes.seals import whole_lines
from rushes.workspace import Workspace

__all__ = ["check_ledgers"]

_LEDGERS = {"checksum": "verified", "unpack": "unpacked", "transcode": "media"}
_NAMED = 10  # lines, of a segment that has many


def check_ledgers(workspace: Workspace, run: str, before: str | None) -> None:
    """Mends the ledgers, and says what was damaged.

    Args:
        workspace: The workspace, which the caller has locked.
        run: The run that is about to be planned.
        before: The run before it.
    """
    workspace.need_all("ledger")
    for text in (*_mended(workspace), *(_short(workspace, before) if before else ())):
        report_damage(workspace, run, text)


def _mended(workspace: Workspace) -> Iterator[str]:
    for ledger in _LEDGERS.values():
        for path in sorted(workspace.ledger(ledger).glob("*.jsonl")):
            bad = [number for number, (_, line) in enumerate(whole_lines(path), 1) if line is None]
            if bad:
                _mend(path)
                lines = f"line{'s' if len(bad) > 1 else ''} {', '.join(map(str, bad[:_NAMED]))}"
                more = f" and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
                yield f"{workspace.relative(path)}, {lines}{more}: damaged; what stood there is done again"


def _mend(path: Path) -> None:
    shutil.copyfile(path, path.with_name(f"{path.name}.damaged"))
    with atomic_write(path) as file:
        file.writelines(line for _, line in whole_lines(path) if line is not None)


def _short(workspace: Workspace, before: str) -> Iterator[str]:
    """Says which segments of the latest run hold fewer lines than it wrote."""
    workspace.need_all(f"runs/{before}/results")
    wrote: defaultdict[str, int] = defaultdict(int)
    for result in results(workspace, before):
        if result.stage in _LEDGERS:
            path = workspace.ledger(_LEDGERS[result.stage]) / f"{before}-{result.batch.name}.jsonl"
            wrote[workspace.relative(path)] = result.done + result.stopped
    for name, count in sorted(wrote.items()):
        path = workspace.path(name)
        if not count or path.with_name(f"{path.name}.damaged").exists():
            continue
        found = sum(1 for _ in whole_lines(path)) if path.exists() else 0
        if found < count:
            state = f"{found} lines of at least {count}" if path.exists() else "missing"
            yield f"{name}: {state}; what is gone is done again"
