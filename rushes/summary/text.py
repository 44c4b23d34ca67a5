"""A run's outcome in words."""

from __future__ import annotations

import re

from rushes.errors import NeedsClassError, NeedsFramesError, NeedsVideoError, NotIngestedError
from rushes.summary.outcome import FAILURES, RunOutcome, failed_share

__all__ = ["artifact_key", "failure"]

_MENDS = {
    NeedsFramesError.code: "Set `frames`, which takes images from videos, or an `export.format` that holds videos.",
    NeedsVideoError.code: "Set an `export.format` that holds images.",
    NeedsClassError.code: "Give images a class in the column `label`, or set another `export.format`.",
    NotIngestedError.code: "Run `rushes ingest` or `rushes run` first.",
}
"""What to do where nothing came of a run, by error code: of those that are mended in the pipeline file alone."""


def failure(ended: RunOutcome, max_failed: float) -> str | None:
    """Returns why a run failed, and what to do; None where it did not."""
    if ended.good:
        return None
    codes = ", ".join(f"{code} {count}" for code, count in ended.failures_by_code.items())
    file = f"{ended.dataset}/{FAILURES}" if ended.dataset else f"the workspace's runs/{ended.run}/{FAILURES}"
    listed = f"Each stands in {file} with its next step."
    if ended.empty:
        return _nothing(ended, codes, listed)
    failed = ended.items["failed"] + ended.items["quarantined"]
    return (
        f"{failed} of {ended.items['planned']} items failed ({failed_share(ended.items):.1%}), more than "
        f"run.max_failed = {max_failed:.1%}: {codes}. {listed} Mend them and run again, or raise the limit."
    )


def _nothing(ended: RunOutcome, codes: str, listed: str) -> str:
    what = "came into the dataset" if ended.dataset else "was brought in"
    mends = [mend for code, mend in _MENDS.items() if code in ended.failures_by_code]
    ok = ended.items["ok"]
    fine = (
        f"{ok} ended ok, and gave the dataset no file: archives, or videos of which `frames` takes none. " if ok else ""
    )
    return (
        f"None of {ended.items['planned']} items {what}{f': {codes}' if codes else ''}. "
        f"{fine}{' '.join([*mends, listed] if codes else mends)}".rstrip()
    )


def artifact_key(name: str, kind: str) -> str:
    """Returns a key that Prefect takes for an artifact: lower case letters, digits and dashes."""
    return f"{re.sub(r'[^a-z0-9]+', '-', name).strip('-')}-{kind}"
