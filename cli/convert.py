"""The command that turns a dataset of one format into one of another. It imports no orchestrator."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import json_line, json_option, note, say
from rushes.errors import ConfigError

if TYPE_CHECKING:
    from rushes.convert import Conversion

__all__ = ["convert"]

_path = click.Path(path_type=Path)
_EVERY_S = 5.0


@click.command()
@click.argument("source", metavar="SRC", type=_path)
@click.argument("target", metavar="DST", type=_path)
@click.option("--from", "read_as", metavar="FORMAT", help="Of SRC; default: what it looks like.")
@click.option("--to", "write_as", metavar="FORMAT", required=True, help="Of DST, like yolo, yolo-seg, coco or voc.")
@click.option(
    "--media",
    type=click.Choice(["auto", "copy", "link", "none"]),
    default="auto",
    show_default=True,
    help="How files get into DST; none writes labels only.",
)
@click.option(
    "--classes", metavar="NAMES", help="Which, in this order: a,b,c; or what takes in what: vehicle=car+bus,person."
)
@click.option("--split", metavar="SHARES", help="Of items that SRC puts into none: train=0.8,val=0.2; default: train.")
@click.option("--boxes", is_flag=True, help="Take boxes alone; outlines and masks are left out, and counted.")
@click.option("--strict", is_flag=True, help="Fail where anything would be left out or changed.")
@json_option
def convert(
    source: Path,
    target: Path,
    read_as: str | None,
    write_as: str,
    media: str,
    classes: str | None,
    split: str | None,
    boxes: bool,
    strict: bool,
    as_json: bool,
) -> int:
    """Convert a dataset: COCO, YOLO, VOC, DM, imagefolder, WebDataset, CSV, folders of classes. DST is replaced whole.

    Example: rushes convert instances_val2017.json coco-yolo --to yolo-seg --media link
    """
    from rushes.convert import convert as run
    from rushes.datasets import READERS
    from rushes.layouts import LAYOUTS

    if read_as is not None and read_as not in READERS:
        raise ConfigError(f"--from {read_as}: expected one of {', '.join(READERS)}.")
    if write_as not in LAYOUTS:
        raise ConfigError(f"--to {write_as}: expected one of {', '.join(LAYOUTS)}.")
    found = run(
        source,
        target,
        read_as,
        write_as,
        media=media,  # type: ignore[arg-type]  # click knows the choices
        classes=_classes(classes),
        split=_shares(split),
        boxes=boxes,
        strict=strict,
        progress=_told(),
    )
    _report(found, target, as_json)
    return 0


def _told() -> Callable[[int], None]:
    """Returns what says, on a line each five seconds, how far it is."""
    last = time.monotonic()

    def tell(count: int) -> None:
        nonlocal last
        if time.monotonic() - last > _EVERY_S:
            last = time.monotonic()
            note(f"{count} items")

    return tell


def _report(found: Conversion, target: Path, as_json: bool) -> None:
    for warning in found.warnings:
        note(f"warning: {warning}")
    say(f"{target}: {found.items} items, {found.labels} labels, from {found.source} to {found.target}")
    counts = found.left_out | found.dropped
    say("left out or changed: " + (", ".join(f"{reason} {count}" for reason, count in counts.items()) or "nothing"))
    if as_json:
        values = {name: getattr(found, name) for name in found.__struct_fields__ if name != "over_limit"}
        json_line({"status": "ok", "path": str(target)} | values)


def _classes(text: str | None) -> tuple[str, ...] | dict[str, tuple[str, ...]] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(f"--classes {text}: expected names between commas.")
    if not any("=" in name for name in names):
        return tuple(names)
    pairs = (name.partition("=") for name in names)
    return {new: tuple(olds.split("+")) if equals else (new,) for new, equals, olds in pairs}


def _shares(text: str | None) -> dict[str, float] | None:
    if text is None:
        return None
    try:
        pairs = [part.partition("=") for part in text.split(",")]
        shares = {name.strip(): float(share) for name, _, share in pairs}
    except ValueError:
        shares = {}
    known = shares.keys() <= {"train", "val", "test"} and all(0 <= share <= 1 for share in shares.values())
    if not shares or not known or abs(sum(shares.values()) - 1) > 1e-6:
        raise ConfigError(f"--split {text}: expected shares of train, val and test that add up to 1.")
    return shares
