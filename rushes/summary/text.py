"""A run's outcome in words and tables."""

from __future__ import annotations

import re
from itertools import islice

from rushes.jsonl import read_lines
from rushes.records import ManifestRow
from rushes.summary.outcome import FAILURES, RunOutcome, failed_share
from rushes.workspace import Workspace

__all__ = ["artifact_key", "failure_table", "markdown", "over_limit"]

_SHOWN = 200


def markdown(name: str, ended: RunOutcome) -> str:
    """Returns the summary that stands beside a run in the Prefect UI."""
    counts = "\n".join(f"| {status} | {count} |" for status, count in ended.items.items())
    codes = "\n".join(f"| {code} | {count} |" for code, count in ended.failures_by_code.items()) or "| none | 0 |"
    wrote = f"{ended.files} files stand in `{ended.dataset}`.\n\n" if ended.dataset else ""
    warned = "".join(f"- {message}\n" for message in ended.messages)
    return (
        f"# {name}\n\nRun `{ended.run}` fetched {ended.fetched} items and made {ended.made} media.\n\n"
        f"{wrote}"
        f"| items | |\n|---|---|\n{counts}\n\n| error code | items |\n|---|---|\n{codes}\n"
        + (f"\nWarnings:\n\n{warned}" if warned else "")
    )


def failure_table(workspace: Workspace, ended: RunOutcome) -> list[dict[str, str]]:
    """Returns the first items that did not end ok, as rows of a table."""
    rows = read_lines(workspace.run(ended.run) / FAILURES, ManifestRow)
    return [
        {
            "id": row.id,
            "status": row.status,
            "code": row.error_code or "",
            "error": row.error or "",
            "source": row.source,
        }
        for row in islice(rows, _SHOWN)
    ]


def over_limit(ended: RunOutcome, max_failed: float) -> str:
    """Returns the message of a run whose failed share is above its limit."""
    failed = ended.items["failed"] + ended.items["quarantined"]
    codes = ", ".join(f"{code} {count}" for code, count in ended.failures_by_code.items())
    file = f"{ended.dataset}/{FAILURES}" if ended.dataset else f"the workspace's runs/{ended.run}/{FAILURES}"
    return (
        f"{failed} of {ended.items['planned']} items failed ({failed_share(ended.items):.1%}), more than "
        f"run.max_failed = {max_failed:.1%}: {codes}. "
        f"Each stands in {file} with its next step. Mend them and run again, or raise the limit."
    )


def artifact_key(name: str, kind: str) -> str:
    """Returns a key that Prefect takes for an artifact: lower case letters, digits and dashes."""
    return f"{re.sub(r'[^a-z0-9]+', '-', name).strip('-')}-{kind}"
