"""Commands that run a flow: they bring up what it needs, show how far it is, and say what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.home import prepare_environment
from cli.output import Json, json_line, note, say
from cli.progress import shown
from rushes import config
from rushes.errors import RunFailedError
from rushes.plan import latest_run
from rushes.summary.outcome import RunOutcome, load_outcome
from rushes.workspace import Workspace

__all__ = ["export", "ingest", "run"]

File = Annotated[Path, typer.Argument(metavar="PIPELINE.yaml", help="The pipeline file.", show_default=False)]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY.PATH=VALUE", help="Override a key of the file.")]
Runner = Annotated[Literal["ray", "threads"], typer.Option(help="Where tasks run.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show Prefect's own log.")]
FlowName = Literal["pipeline", "ingest", "export"]


def run(file: File, set_: Set = [], runner: Runner = "ray", json: Json = False, verbose: Verbose = False) -> int:  # noqa: B006  # typer copies it
    """Ingests, then exports: the whole line, from URLs to a dataset.

    Example: rushes run pipeline.yaml --set run.max_failed=0.1
    """
    return _run("pipeline", file, set_, runner, json, verbose)


def ingest(file: File, set_: Set = [], runner: Runner = "ray", json: Json = False, verbose: Verbose = False) -> int:  # noqa: B006  # typer copies it
    """Downloads, verifies and transcodes what is new, changed, or failed before.

    Example: rushes ingest pipeline.yaml
    """
    return _run("ingest", file, set_, runner, json, verbose)


def export(file: File, set_: Set = [], runner: Runner = "ray", json: Json = False, verbose: Verbose = False) -> int:  # noqa: B006  # typer copies it
    """Makes the dataset from what earlier ingests brought in; fetches nothing.

    Example: rushes export pipeline.yaml --set export.format=coco
    """
    return _run("export", file, set_, runner, json, verbose)


def _run(flow: FlowName, file: Path, overrides: list[str], runner: str, json: bool, verbose: bool) -> int:
    pipeline = config.load(file, overrides)
    workspace = Workspace(pipeline.workspace_path)
    before = latest_run(workspace)
    prepare_environment(verbose)
    from cli.orchestrator import run_flow  # Prefect and Ray take seconds to import

    failure = None
    with shown(workspace, before):
        try:
            run_flow(flow, pipeline, runner)
        except RunFailedError as error:
            failure = error
    after = latest_run(workspace)
    outcome = load_outcome(workspace, after) if after and after != before else None
    if outcome is not None:
        _summarise(outcome)
    if failure is not None:
        note(f"rushes: {failure}")
    if json:
        _json(outcome, failure)
    return failure.exit_code if failure else 0


def _summarise(outcome: RunOutcome) -> None:
    items = ", ".join(f"{status} {count}" for status, count in outcome.items.items())
    say(f"items: {items}")
    if outcome.failures_by_code:
        say("codes: " + ", ".join(f"{code} {count}" for code, count in outcome.failures_by_code.items()))
    say(f"work: fetched {outcome.fetched}, made {outcome.made}")
    if outcome.dataset:
        say(f"dataset: {outcome.dataset} ({outcome.files} files)")


def _json(outcome: RunOutcome | None, failure: RunFailedError | None) -> None:
    value: dict[str, object] = {"status": "failed" if failure else "ok"}
    if outcome is not None:
        value |= {name: getattr(outcome, name) for name in (*outcome.__struct_fields__, "fetched", "made")}
    if failure is not None:
        value["error"] = {"code": failure.code, "message": str(failure)}
    json_line(value)
