"""What other flows can begin by: an event for each dataset that was published, and for each that was not."""

from __future__ import annotations

from prefect.events import emit_event

from rushes.config import Pipeline
from rushes.summary.outcome import RunOutcome

__all__ = ["emit_outcome"]


def emit_outcome(config: Pipeline, ended: RunOutcome) -> None:
    """Emits `rushes.dataset.published` or `rushes.dataset.failed`; Prefect puts flow run and deployment beside it.

    What a trigger may have to tell apart is a label of the resource, because a trigger does not look into payloads.
    """
    resource = {
        "prefect.resource.id": f"rushes.dataset.{config.name}",
        "prefect.resource.name": config.name,
        "rushes.dataset.changed": str(bool(ended.changed_manifest)).lower(),
        "rushes.dataset.failed-share": ended.failed_share_moved,
    }
    payload = {
        "run": ended.run,
        "dataset": ended.dataset,
        "files": ended.files,
        "manifest_sha256": ended.manifest_sha256,
        "changed": ended.changed_manifest,
        "since": ended.since and {name: ended.since[name] for name in ("run", "counts")},
        "items": ended.items,
        "failures_by_code": ended.failures_by_code,
        "over_limit": ended.over_limit,
        "empty": ended.empty,
    }
    emit_event(f"rushes.dataset.{'published' if ended.good else 'failed'}", resource, payload=payload)
