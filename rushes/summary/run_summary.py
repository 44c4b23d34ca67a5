"""What a dataset's `export_summary.json` says: what the run did, by which settings and programs, and what changed."""

from __future__ import annotations

import platform
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from rushes import __version__
from rushes.config import Pipeline
from rushes.files.checksum import calculate_checksum
from rushes.plan import started
from rushes.results import throughput
from rushes.summary.diff import since
from rushes.summary.facts import Facts
from rushes.summary.origin import rebuilt_from
from rushes.summary.outcome import RunOutcome
from rushes.summary.output import published
from rushes.summary.publish import MANIFEST, SUMMARY
from rushes.video.binaries import describe

__all__ = ["compared", "summary_of"]


def compared(facts: Facts, outcome: RunOutcome) -> RunOutcome:
    """Returns the outcome with what it says of the manifest, and of the dataset before."""
    manifest = facts.folder / MANIFEST
    with published(facts.pipeline.output_place, SUMMARY, MANIFEST) as before:
        changes = since(before, manifest)
        old = calculate_checksum(before / MANIFEST, algorithm="sha256") if (before / MANIFEST).is_file() else None
    new = calculate_checksum(manifest, algorithm="sha256")
    return replace(outcome, manifest_sha256=new, changed_manifest=old != new, since=changes, report=True)


def summary_of(facts: Facts, outcome: RunOutcome) -> dict[str, Any]:
    """Returns the content of `export_summary.json`: the one file of a dataset, beside the report, that holds times."""
    pipeline = facts.pipeline
    began, ended = started(outcome.run), datetime.now(UTC)
    return {
        "name": pipeline.name,
        "run": outcome.run,
        "started": began.isoformat(timespec="milliseconds"),
        "ended": ended.isoformat(timespec="milliseconds"),
        "elapsed_s": round((ended - began).total_seconds(), 3),
        "over_limit": outcome.over_limit,
        "empty": outcome.empty,
        "items": outcome.items,
        "work": outcome.work,
        "messages": outcome.messages,
        "throughput": throughput(outcome.work),
        "rebuilt_from": rebuilt_from(facts.workspace, outcome.run),
        "manifest_sha256": outcome.manifest_sha256,
        "changed_manifest": outcome.changed_manifest,
        "since": outcome.since,
        "classes": facts.classes,
        "export": pipeline.export.model_dump(mode="json", exclude={"code"}),
        "transcode": _transcode(pipeline),
        "frames": pipeline.frames.model_dump(mode="json") if pipeline.frames else None,
        "versions": {
            "rushes": __version__,
            "python": platform.python_version(),
            "ffmpeg": describe("ffmpeg")[1],
        },
    }


def _transcode(pipeline: Pipeline) -> dict[str, Any] | None:
    """Returns the settings as they came to be, because a profile is only a name for some."""
    section, config = pipeline.transcode, pipeline.transcode_config
    return {"profile": section.profile} | asdict(config) if section and config else None
