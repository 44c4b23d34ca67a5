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
    by_kind: dict[str, list[str]] = {
        "missing": [*found.missing],
        "changed": [path + _how(found, path) for path in found.changed],
        "renamed": [f"{old} is now {new}" for old, new in found.renamed],
        "swapped": [f"{one} and {other} have each other's bytes" for one, other in found.swapped],
        "replaced": [f"{path} is now {what}" for path, what in found.replaced],
        "contradiction": [_contradiction(one.path, one.manifest, one.checksums) for one in found.contradicted],
        "extra": [path + _left(found.left_by.get(path)) for path in found.extra],
    }
    for kind, lines in by_kind.items():
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
    yield f"{found.checked} files checked: {'all as written' if found.intact else 'the dataset differs'}"


def _how(found: Verification, path: str) -> str:
    change = found.changes.get(path)
    if change is None:
        return " (has lines that are none)"
    if change.unreadable:
        return f" (cannot be read: {change.unreadable})"
    if change.holds:
        return f" (has the bytes of {change.holds})"
    if change.expected_bytes is None or change.expected_bytes == change.actual_bytes:
        return ""
    return f" ({change.actual_bytes} bytes, expected {change.expected_bytes})"


def _left(program: str | None) -> str:
    return f" (left by {program}; it may be deleted)" if program else ""


def _contradiction(path: str, manifest: str | None, checksums: str | None) -> str:
    if manifest is None:
        return f"the rows of {path} are not those of manifest.jsonl"
    if checksums is None:
        return f"{path} stands in the manifest, and not in the checksums"
    return f"{path} has sha256 {manifest} in the manifest, and {checksums} in the checksums"
