"""Names of flow runs."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.runtime import flow_run

__all__ = ["dataset_name", "run_name", "this_run", "verify_run_name"]


def run_name() -> str:
    """Returns the dataset and the date, so that a list of runs can be read."""
    config = flow_run.parameters["config"]
    return _dated(config["name"] if isinstance(config, dict) else config.name)


def verify_run_name() -> str:
    """Returns the same of a run that got the dataset's place."""
    return _dated(dataset_name(flow_run.parameters["dataset"]))


def dataset_name(place: str) -> str:
    """Returns the last part of a path or a URL, which is the name of a dataset where nobody chose another output."""
    return place.rstrip("/").rpartition("/")[2] or place


def this_run() -> str:
    """Returns what to call this flow run where only a line of text says who is at work."""
    return f"{flow_run.name} ({flow_run.flow_name}, flow run {flow_run.id})"


def _dated(name: str) -> str:
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M}"
