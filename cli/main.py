"""The front door: the `rushes` command, its exit codes, and its one way to say that something failed.

Exit codes: 0 done; 1 the run failed, or a check found a difference; 2 bad usage or configuration; 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType

import click
import typer

from cli import doctor, library, run
from cli.output import fail
from rushes.errors import RushesError

__all__ = ["app", "main"]

app = typer.Typer(
    name="rushes",
    help="Turns a list of media URLs into a verified, versioned training dataset.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run.run)
app.command("ingest")(run.ingest)
app.command("export")(run.export)
app.command("verify")(library.verify)
app.command("probe")(library.probe)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except click.ClickException as error:  # bad usage
        code = fail("usage", error.format_message(), 2)
    except RushesError as error:
        code = fail(error.code, str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        code = fail("interrupted", "interrupted; run again to go on where it stopped.", 130)
    sys.exit(code or 0)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Lets SIGTERM unwind like Ctrl-C, so that whatever was started is ended."""
    raise KeyboardInterrupt
