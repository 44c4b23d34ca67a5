"""Names of flow runs."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.runtime import flow_run

__all__ = ["run_name"]


def run_name() -> str:
    """Returns the dataset and the date, so that a list of runs can be read."""
    config = flow_run.parameters["config"]
    name = config["name"] if isinstance(config, dict) else config.name
    return f"{name} {datetime.now(UTC):%Y-%m-%d %H:%M}"
