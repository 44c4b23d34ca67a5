"""What people see of a run in Prefect: a summary that is read in ten seconds, and a table of what did not make it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rushes.config import Pipeline
from rushes.jsonl import read_lines
from rushes.markdown import code, inline, link, plain
from rushes.records import ManifestRow
from rushes.summary.explained import explained
from rushes.summary.outcome import FAILURES, STATUSES, RunOutcome
from rushes.summary.publish import MANIFEST, REPORT
from rushes.summary.report.mosaic import MOSAIC
from rushes.summary.report.words import size, span
from rushes.summary.text import failure
from rushes.workspace import Workspace

__all__ = ["Example", "examples", "failure_table", "markdown", "picture"]

_ROWS = 200
_LOOKED_AT = 20_000
_EXAMPLES = 3
_STAGES = ("download", "checksum", "unpack", "transcode", "chunks", "export")
_DIFFERENCES = {
    "added": "added",
    "vanished": "vanished",
    "status": "with another status",
    "content": "with other content",
    "labels": "with other labels",
    "split": "in another split",
    "attributes": "with other attributes",
}

Example = tuple[str, str]
"""Id and URL of an item."""


def markdown(pipeline: Pipeline, ended: RunOutcome, failed: dict[str, list[Example]]) -> str:
    """Returns the summary of a run.

    Args:
        pipeline: The pipeline.
        ended: What the run came to.
        failed: Some of the items that did not end ok, by error code.
    """
    parts = (
        f"# {inline(pipeline.name)}",
        *_verdict(pipeline, ended),
        *_dataset(ended),
        *_changes(ended),
        *_failures(ended, failed),
        *_work(ended),
        *_warnings(ended),
    )
    return "\n\n".join(parts) + "\n"


def picture(workspace: Workspace, ended: RunOutcome) -> str | None:
    """Returns some files of the dataset in one picture, as a URL that holds it; None where there is nothing to see."""
    path = workspace.run(ended.run) / MOSAIC
    workspace.need(workspace.relative(path))
    return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}" if path.is_file() else None


def examples(workspace: Workspace, ended: RunOutcome) -> dict[str, list[Example]]:
    """Returns the first items of each error code."""
    found: dict[str, list[Example]] = {}
    for row in islice(_failed(workspace, ended), _LOOKED_AT):
        some = found.setdefault(row.error_code or "", [])
        if len(some) < _EXAMPLES:
            some.append((row.id, row.source))
    return found


def failure_table(workspace: Workspace, ended: RunOutcome) -> list[dict[str, str]]:
    """Returns the first items that did not end ok, as rows of a table; what may be very long comes last."""
    return [
        {
            "id": plain(row.id),
            "code": row.error_code or "",
            "status": row.status,
            "what happened": plain(row.error or ""),
            "what to do": plain(explained(row.error_code or "")[1]),
            "source": plain(row.source),
        }
        for row in islice(_failed(workspace, ended), _ROWS)
    ]


def _failed(workspace: Workspace, ended: RunOutcome) -> Iterator[ManifestRow]:
    return read_lines(workspace.run(ended.run) / FAILURES, ManifestRow)


def _verdict(pipeline: Pipeline, ended: RunOutcome) -> Iterator[str]:
    counts = " + ".join(f"{ended.items[status]:,} {status}" for status in STATUSES)
    verdict = f"**{ended.items['ok']:,} of {ended.items['planned']:,} items are ok**, after {span(ended.elapsed_s)}."
    if why := failure(ended, pipeline.run.max_failed):
        yield f"**The run failed.** {inline(why)}"
    yield f"{verdict} {ended.items['planned']:,} planned = {counts}."


def _dataset(ended: RunOutcome) -> Iterator[str]:
    if not ended.dataset:
        return
    kept = "" if ended.good else ", beside the one before, which stays"
    lines = [f"- Dataset: {ended.files or 0:,} files in {code(ended.dataset)}{kept}"]
    digest = f", sha256 {code(ended.manifest_sha256)}" if ended.manifest_sha256 else ""
    lines.append(f"- Manifest: {code(MANIFEST)}{digest}")
    if ended.report:
        lines.append(f"- Report: {code(f'{ended.dataset}/{REPORT}')}")
    lines.append(f"- Run: {code(ended.run)}")
    yield "\n".join(lines)


def _changes(ended: RunOutcome) -> Iterator[str]:
    if not ended.dataset:
        return
    if ended.since is None:
        yield "It is the first dataset here: there is none to compare it with."
        return
    since = f"Since run {code(ended.since['run'])}"
    told = [f"{count:,} {_DIFFERENCES[kind]}" for kind, count in ended.since["counts"].items() if count]
    if told:
        yield f"{since}: {', '.join(told)}."
    elif ended.changed_manifest:
        yield f"{since} no item, label or split changed; the manifest did, in what it says beside."
    else:
        yield f"{since} nothing changed: the manifest is the same, byte for byte."


def _failures(ended: RunOutcome, failed: dict[str, list[Example]]) -> Iterator[str]:
    if not ended.failures_by_code:
        return
    lines = ["| Code | Items | Such as | What to do |", "|---|---:|---|---|"]
    for error, count in Counter(ended.failures_by_code).most_common():
        some = ", ".join(link(id_, source) for id_, source in failed.get(error, ()))
        lines.append(f"| {code(error)} | {count:,} | {some} | {explained(error)[1]} |")
    yield "## What did not make it"
    yield "\n".join(lines)
    yield f"All of them stand in {code(FAILURES)}, the first {_ROWS} in the table beside this summary."


def _work(ended: RunOutcome) -> Iterator[str]:
    stages = [(stage, ended.work[stage]) for stage in _STAGES if stage in ended.work]
    if not any(work["done"] or work["stopped"] for _, work in stages):
        yield "There was nothing to fetch and nothing to make: all of it was here."
        return
    lines = ["| Stage | Done | Stopped | Bytes | Work | Done a second |", "|---|---:|---:|---:|---:|---:|"]
    for stage, work in stages:
        rate = f"{work['done'] / work['busy_s']:,.3g}" if work["busy_s"] else ""
        count = f"{int(work['done']):,} | {int(work['stopped']):,}"
        lines.append(f"| {stage} | {count} | {size(work['bytes'])} | {span(work['busy_s'])} | {rate} |")
    yield "## Where the time went"
    yield "\n".join(lines)
    yield "Work is that of all batches together, which are at work at the same time."


def _warnings(ended: RunOutcome) -> Iterator[str]:
    if ended.messages:
        yield "## Warnings"
        yield "\n".join(f"- {inline(message)}" for message in ended.messages)
