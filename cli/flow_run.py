"""One flow run from the command line: what it needs, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cli.home import prepare_environment
from cli.output import json_line, note, say
from cli.progress import shown
from rushes.config import Pipeline
from rushes.errors import RunFailedError
from rushes.export.custom import check_exporter
from rushes.pipeline_file import load
from rushes.plan import latest_run
from rushes.summary.outcome import STATUSES, RunOutcome, load_outcome
from rushes.summary.publish import REPORT
from rushes.workspace import opened

__all__ = ["Ended", "run_and_report", "run_pipeline"]


class Ended(NamedTuple):
    """What a run came to, as far as it came, and why it failed, if it did."""

    outcome: RunOutcome | None
    failure: RunFailedError | None


def run_and_report(flow: str, file: Path, overrides: Sequence[str], runner: str, as_json: bool, verbose: bool) -> int:
    """Runs a flow over a pipeline file and returns the command's exit code."""
    ended = run_pipeline(flow, load(file, overrides), runner, verbose)
    if ended.outcome is not None:
        _summarise(ended.outcome)
    if ended.failure is not None:
        note(f"rushes: {ended.failure}")
    if as_json:
        _json(ended.outcome, ended.failure)
    return ended.failure.exit_code if ended.failure else 0


def run_pipeline(flow: str, pipeline: Pipeline, runner: str, verbose: bool, *more: str) -> Ended:
    """Runs a flow over a pipeline, and over what other parameters it takes, and shows how far it is."""
    check_exporter(pipeline)
    if runner == "threads" and pipeline.run.reserves:
        note(f"warning: {', '.join(pipeline.run.reserves)}: of no use with --runner threads, which reserves nothing.")
    place = pipeline.workspace_place
    with opened(place) as workspace:
        before = latest_run(workspace)
    prepare_environment(verbose)
    from cli.orchestrator import run_flow  # Prefect and Ray take seconds to import

    failure = None
    with shown(place, before):
        try:
            run_flow(flow, pipeline, runner, *more)
        except RunFailedError as error:
            failure = error
    with opened(place) as workspace:  # anew: a run may take hours, and connections to a storage do not last so long
        after = latest_run(workspace)
        outcome = load_outcome(workspace, after) if after and after != before else None
    return Ended(outcome, failure)


def _summarise(outcome: RunOutcome) -> None:
    counts = ", ".join(f"{outcome.items[status]} {status}" for status in STATUSES)
    say(f"items: {outcome.items['planned']} planned = {counts}")
    if outcome.failures_by_code:
        say("codes: " + ", ".join(f"{code} {count}" for code, count in outcome.failures_by_code.items()))
    say(f"work:  {outcome.fetched} fetched ({outcome.changed} changed at their source), {outcome.made} made")
    for message in outcome.messages:
        note(f"warning: {message}")
    if outcome.dataset:
        say(f"dataset: {outcome.dataset} ({outcome.files} files)")
        if outcome.report:
            say(f"report: {outcome.dataset}/{REPORT}")


def _json(outcome: RunOutcome | None, failure: RunFailedError | None) -> None:
    value: dict[str, object] = {"status": "failed" if failure else "ok"}
    if outcome is not None:
        value |= {name: getattr(outcome, name) for name in (*outcome.__struct_fields__, "fetched", "made")}
    if failure is not None:
        value["error"] = {"code": failure.code, "message": str(failure)}
    json_line(value)
