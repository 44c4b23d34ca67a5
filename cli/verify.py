"""The command that proves a dataset: it imports no orchestrator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
import msgspec

from cli.counted import counted
from cli.output import json_line, json_option, say

if TYPE_CHECKING:
    from rushes.summary.verify import Verification

__all__ = ["verify"]

_SHOWN = 20


@click.command()
@click.argument("dataset")
@click.option("--expect", metavar="SHA256", help="Digest of its manifest, or of its checksums, as it was once printed.")
@json_option
def verify(dataset: str, expect: str | None, as_json: bool) -> int:
    """Hash every file of a dataset again, here or in a storage, and look for files that it does not list.

    Example: rushes verify datasets/street-scenes
    """
    from rushes.summary.verify import verify_dataset  # slow to import

    with counted("files") as report:
        found = verify_dataset(dataset, report, expect=expect)
    for line in _lines(found):
        say(line)
    if as_json:
        json_line({"status": "ok" if found.intact else "failed"} | msgspec.to_builtins(found))
    return 0 if found.intact else 1


def _lines(found: Verification) -> Iterator[str]:
    """Yields what to say, what differs first."""
    from rushes.summary.differences import differences, verdict  # imported by now

    for kind, lines in differences(found).items():
        yield from (f"{kind}: {line}" for line in lines[:_SHOWN])
        if len(lines) > _SHOWN:
            yield f"{kind}: and {len(lines) - _SHOWN} more"
    for what, digest in (("manifest", found.manifest), ("checksums", found.checksums)):
        if digest:
            yield f"{what}: sha256:{digest}"
    if found.unexpected:
        yield f"expected: sha256:{found.unexpected}, which is neither of these"
    if found.unlisted:
        yield f"not covered, because they hold times: {', '.join(found.unlisted)}"
    yield verdict(found)
