"""Where the command keeps its own things, and the environment that everything it starts shares.

This module is imported before Prefect and Ray are: both read their environment once, on import.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["prefect_configured", "prepare_environment", "rushes_home"]


def rushes_home() -> Path:
    """Returns `RUSHES_HOME`, or `rushes` under the user's cache folder: all of it can be deleted at any time."""
    given = os.environ.get("RUSHES_HOME")
    if given:
        return Path(given).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rushes"


def prefect_configured() -> bool:
    """Tells whether this user has set up Prefect: its URL, a profile, or a home of its own."""
    named = ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH")
    if any(os.environ.get(name) for name in named) or os.environ.get("PREFECT_HOME", _our_prefect()) != _our_prefect():
        return True
    return (Path.home() / ".prefect" / "profiles.toml").exists() or Path("prefect.toml").exists()


def prepare_environment(verbose: bool) -> None:
    """Sets what Prefect and Ray read on import: no telemetry, quiet logs, and a home that is ours unless one is set."""
    quiet = {
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "WARNING",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
    }
    if not prefect_configured():
        quiet["PREFECT_HOME"] = _our_prefect()
        Path(_our_prefect()).mkdir(parents=True, exist_ok=True)  # Prefect makes the last folder only
    for name, value in quiet.items():
        os.environ.setdefault(name, value)


def _our_prefect() -> str:
    return str(rushes_home() / "prefect")
