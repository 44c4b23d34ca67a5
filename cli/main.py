"""The front door: the `rushes` command, its exit codes, and its one way to say that something failed.

Exit codes: 0 done; 1 the run failed, or a check found a difference; 2 bad usage or configuration; 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from types import FrameType

import click

from cli import convert, doctor, files, library, look, pictures, rebuild, run, verify
from cli.jobs import jobs
from cli.output import fail
from rushes import __version__
from rushes.errors import RushesError

__all__ = ["main", "rushes"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(__version__, prog_name="rushes")
def rushes() -> None:
    """Turns a list of media URLs into a verified, versioned training dataset."""


_RUNS = (run.run, run.ingest, run.export, rebuild.rebuild)
_FILES = (files.download, files.checksum, library.probe, files.transcode, files.archive, files.unarchive)
_PICTURES = (pictures.sheet, pictures.thumbnail)
_LOOKS = (look.plan, verify.verify, look.diff, look.report, jobs, doctor.doctor)
for command in (*_RUNS, *_LOOKS, convert.convert, *_FILES, *_PICTURES):
    rushes.add_command(command)


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = rushes.main(prog_name="rushes", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        code = error.exit_code
        sys.stderr.write(f"{error.format_message()}\n")
    except click.ClickException as error:  # bad usage
        code = fail("usage", f"{error.format_message()} See `rushes --help`.", 2)
    except RushesError as error:
        code = fail(error.code, str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        _leave(fail("interrupted", "interrupted; run again to go on where it stopped.", 130))
    except Exception as error:  # noqa: BLE001  # whatever it is, a script gets its exit code and its line
        traceback.print_exc()
        code = fail("unexpected", f"{type(error).__name__}: {error}. Report it with the lines above.", 1)
    sys.exit(code or 0)


def _leave(code: int) -> None:
    """Ends the process at once: threads may be deep in a transfer, and an exit would wait for each of them."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Lets SIGTERM unwind like Ctrl-C, so that whatever was started is ended."""
    raise KeyboardInterrupt
