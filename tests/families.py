"""The processes that something under test has started, and those that these have started."""

from __future__ import annotations

from contextlib import suppress

import psutil

from cli.processes import carrying

__all__ = ["family"]


def family(name: str, value: str, *words: str) -> list[psutil.Process]:
    """Returns the processes with a variable in their environment, and all below them, by a word in their command.

    Those below are asked for, because Ray's workers write their title over their environment.

    Args:
        name: Of the variable.
        value: Of the variable.
        words: Of which one must be in the command.
    """
    found: set[psutil.Process] = set()
    for number in carrying(name, value):
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(number)
            found |= {process, *process.children(recursive=True)}
    return [process for process in found if _has(process, words)]


def _has(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        command = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and any(word in command for word in words)
    except psutil.NoSuchProcess:
        return False
