"""The command that makes a dataset again and proves it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from cli.counted import counted
from cli.output import json_line, json_option, note, say
from rushes.errors import ConfigError

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["rebuild"]

_SHOWN = 20


@click.command()
@click.argument("dataset")
@click.argument("dest", required=False)
@click.option("--check", is_flag=True, help="Only ask whether every item is still there; fetch and write nothing.")
@click.option("--workspace", metavar="PLACE", help="Where to work; by default beside DEST, and removed in the end.")
@click.option("--allow-host", "hosts", multiple=True, metavar="HOST", help="Reach this host although it is private.")
@click.option("--set", "overrides", multiple=True, metavar="KEY.PATH=VALUE", help="A key of download or run.")
@click.option("--runner", type=click.Choice(["ray", "threads"]), default="ray", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Show Prefect's own log.")
@json_option
def rebuild(
    dataset: str,
    dest: str | None,
    check: bool,
    workspace: str | None,
    hosts: tuple[str, ...],
    overrides: tuple[str, ...],
    runner: str,
    verbose: bool,
    as_json: bool,
) -> int:
    """Fetch a dataset again from its manifest, and prove it identical or say what the world no longer has.

    Of DATASET only manifest.jsonl, sources.jsonl and rebuild.json are read, and export_summary.json and
    checksums.sha256 where they are there.

    Example: rushes rebuild datasets/street-scenes /mnt/again/street-scenes
    """
    from rushes.rebuild.begin import check_destination, original, pipeline_of  # slow to import
    from rushes.rebuild.result import digest_of
    from rushes.summary.publish import MANIFEST

    if check == (dest is not None):
        raise ConfigError("expected DATASET and DEST, or DATASET and --check.")
    more = [f"download.allow_private_hosts=[{', '.join(map(repr, hosts))}]"] if hosts else []
    base = (dest or dataset).rstrip("/")
    place, output = workspace or f"{base}.rebuild", dest or f"{base}.again"
    with original(dataset) as folder:
        digest = digest_of(folder / MANIFEST)
    check_destination(dataset, output, digest)
    pipeline = pipeline_of(dataset, output, place, [*overrides, *more])
    if dest is None:
        return _check(dataset, pipeline.download, as_json)
    from cli.flow_run import run_pipeline

    where = dataset if "://" in dataset else str(Path(dataset).absolute())
    ended = run_pipeline("rebuild", pipeline, runner, verbose, where)
    if ended.outcome is None or ended.outcome.dataset is None:
        raise ended.failure or ConfigError(f"{dataset}: nothing came of it; run it again with --verbose.")
    return _report(dataset, ended.outcome.dataset, place, ended.outcome.run, workspace is None, as_json)


def _check(dataset: str, config: DownloadConfig, as_json: bool) -> int:
    """Says what is no longer there."""
    from rushes.rebuild.begin import original
    from rushes.rebuild.check import lost
    from rushes.rebuild.result import REASONS

    with original(dataset) as folder, counted("items") as report:
        found = lost(folder, config, report)
    for one in found[:_SHOWN]:
        say(f"{one.id}: {REASONS[one.reason]}: {one.message}")
    more = f"; {len(found) - _SHOWN} more are not shown" if len(found) > _SHOWN else ""
    say(f"{dataset}: {f'{len(found)} items are missing{more}' if found else 'every item is still there'}")
    if as_json:
        json_line({"status": "failed" if found else "ok", "lost": msgspec.to_builtins(found)})
    return 1 if found else 0


def _report(dataset: str, rebuilt: str, place: str, run: str, own: bool, as_json: bool) -> int:
    """Says what came of it, and clears up where nothing is left to do."""
    from rushes.rebuild.result import REASONS, result_of
    from rushes.workspace import opened

    with opened(place) as workspace:
        found = result_of(dataset, rebuilt, workspace, run, _SHOWN)
    for one in found.first:
        digests = f" (expected sha256 {one.expected_sha256}, got {one.actual_sha256})" if one.actual_sha256 else ""
        say(f"{one.id}: {REASONS[one.reason]}{digests}: {one.message or ', '.join(one.fields)}")
    total = sum(found.reasons.values())
    if total:
        counts = ", ".join(f"{count} {REASONS[reason]}" for reason, count in found.reasons.items())
        say(f"{total} differ: {counts}. All of them: {place}/runs/{run}/differences.jsonl")
    elif found.files:
        say(f"files that differ: {', '.join(found.files[:_SHOWN])}")
    for name, (then, now) in found.versions.items() if not found.identical else ():
        note(f"{name}: {then} then, {now} now")
    say(f"manifest: sha256:{found.actual}{'' if found.expected == found.actual else f', expected {found.expected}'}")
    say(f"{rebuilt}: {'identical' if found.identical else 'differs'}")
    if found.identical and own and Path(place).is_dir():
        shutil.rmtree(place)
    if as_json:
        json_line({"status": "ok" if found.identical else "failed", "dataset": rebuilt} | msgspec.to_builtins(found))
    return 0 if found.identical else 1
