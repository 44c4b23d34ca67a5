"""Which names an output may have."""

from __future__ import annotations

from pathlib import Path

from rushes.errors import ConfigError

__all__ = ["CONTAINERS", "check_other", "check_target"]

CONTAINERS = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".flv", ".ts", ".m2ts", ".mts", ".asf", ".wmv", ".3gp")
"""Suffixes of what H.264 can be put into, and that is one file: a playlist leaves its pieces beside it."""


def check_target(source: Path, target: Path) -> None:
    """Refuses an output whose suffix names no container that one file is, or that is the input.

    Raises:
        ConfigError: Either.
    """
    if target.suffix.lower() not in CONTAINERS:
        raise ConfigError(
            f"{target.name}: the output's name must end in its container, like {target.stem or 'out'}.mp4; "
            f"expected one of {' '.join(CONTAINERS)}."
        )
    check_other(source, target)


def check_other(source: Path, target: Path) -> None:
    """Refuses an output that is the input.

    Raises:
        ConfigError: It is.
    """
    if target.exists() and target.samefile(source):
        raise ConfigError(f"{target.name}: output and input are the same file. Give the output another name.")
