"""Commands that run a flow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.output import json_option

__all__ = ["export", "ingest", "run"]

F = TypeVar("F", bound=Callable[..., Any])


def _pipeline_options(function: F) -> F:
    for decorate in (
        click.argument("file", metavar="PIPELINE.yaml", type=click.Path(path_type=Path)),
        click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="Override a key of the file."),
        click.option("--runner", type=click.Choice(["ray", "threads"]), default="ray", show_default=True),
        click.option("-v", "--verbose", is_flag=True, help="Show Prefect's own log."),
        json_option,
    ):
        function = decorate(function)
    return function


_strict = click.option(
    "--strict", is_flag=True, help="Fail where labels would be left out or changed, like export.strict: true."
)


@click.command()
@_pipeline_options
@_strict
def run(**options: Any) -> int:
    """Ingest, then export: the whole line, from URLs to a dataset.

    Example: rushes run pipeline.yaml --set run.max_failed=0.1
    """
    return _run("pipeline", **options)


@click.command()
@_pipeline_options
def ingest(**options: Any) -> int:
    """Download, verify and transcode what is new, changed, or failed before.

    Example: rushes ingest pipeline.yaml
    """
    return _run("ingest", **options)


@click.command()
@_pipeline_options
@_strict
def export(**options: Any) -> int:
    """Make the dataset from what earlier ingests brought in; fetch nothing.

    Example: rushes export pipeline.yaml --set export.format=coco
    """
    return _run("export", **options)


def _run(flow: str, strict: bool = False, **options: Any) -> int:
    from cli.flow_run import run_and_report  # what a run needs is slow to import

    if strict:
        options["overrides"] = (*options["overrides"], "export.strict=true")
    return run_and_report(flow, **options)
