"""Commands that make pictures of a video. They import no orchestrator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.files import there
from cli.output import json_line, json_option, say
from cli.seconds import seconds

if TYPE_CHECKING:
    from rushes.video.sheet import Picture

__all__ = ["sheet", "thumbnail"]

_path = click.Path(path_type=Path)


@click.command()
@click.argument("source", metavar="FILE", type=_path)
@click.argument("target", metavar="OUT", type=_path)
@click.option("--columns", type=int, default=4, show_default=True, help="Frames side by side.")
@click.option("--rows", type=int, default=3, show_default=True, help="Rows of them.")
@click.option("--size", default="320x320", show_default=True, metavar="WxH", help="Box that each frame must fit into.")
@json_option
def sheet(source: Path, target: Path, columns: int, rows: int, size: str, as_json: bool) -> int:
    """Make a contact sheet: frames from all of a video, each with its time below it.

    Example: rushes sheet clip.mp4 clip.jpg --columns 5 --rows 4
    """
    from rushes.video.sheet import contact_sheet  # Pillow is slow to import

    return _end(contact_sheet(there(source), target, columns, rows, size), as_json)


@click.command()
@click.argument("source", metavar="FILE", type=_path)
@click.argument("target", metavar="OUT", type=_path)
@click.option(
    "--at", "at_s", type=seconds, metavar="S", help="The frame on screen then; default: near the first tenth."
)
@click.option("--size", default="640x640", show_default=True, metavar="WxH", help="Box that it must fit into.")
@json_option
def thumbnail(source: Path, target: Path, at_s: float | None, size: str, as_json: bool) -> int:
    """Make a small picture of a video, upright and in its shape.

    Example: rushes thumbnail clip.mp4 clip.jpg --at 1:02.5
    """
    from rushes.video.sheet import thumbnail as make

    return _end(make(there(source), target, at_s, size), as_json)


def _end(made: Picture, as_json: bool) -> int:
    say(str(made.path))
    if as_json:
        facts = {"path": str(made.path), "width": made.width, "height": made.height, "times_s": made.times_s}
        json_line({"status": "ok", "files": [facts]})
    return 0
