"""What the command prints: results on standard output, everything else on standard error."""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

import click

from rushes.jsonl import encode

__all__ = ["fail", "json_line", "json_option", "note", "say"]

_COMMANDS = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069]")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one machine-readable line last on standard output."
)


def say(text: str) -> None:
    """Prints a line of the result, at once: who reads it from a pipe may wait for it."""
    sys.stdout.write(_for(sys.stdout, text) + "\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Prints a line about the work."""
    sys.stderr.write(_for(sys.stderr, text) + "\n")


def _for(stream: TextIO, text: str) -> str:
    """Returns a text as a stream gets it: a terminal gets nothing that moves its cursor or turns letters round."""
    return _COMMANDS.sub("\N{REPLACEMENT CHARACTER}", text) if stream.isatty() else text


def json_line(value: dict[str, Any]) -> None:
    """Prints the machine-readable last line."""
    sys.stdout.write(encode(value).decode() + "\n")


def fail(code: str, message: str, exit_code: int) -> int:
    """Prints why the command failed, in one line, and as JSON where that was asked for; returns the exit code."""
    note(f"rushes: {' '.join(message.split())}")
    if "--json" in sys.argv:
        json_line({"status": "failed", "error": {"code": code, "message": message}})
    return exit_code
