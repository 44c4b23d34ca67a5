"""Rows of the source as they were given: what a dataset keeps of them, and how a rebuild holds to what they came to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from rushes.export.item import Prepared, Ready
from rushes.jsonl import read_lines
from rushes.records import ManifestRow, Outcome, Rejection, Source

__all__ = ["ORIGINAL", "as_before", "carried", "given"]

ORIGINAL = "original.jsonl"
"""In the folder of a run that rebuilds a dataset: the manifest of that dataset."""


def given(ready: Ready) -> Source | None:
    """Returns the row that an item of the dataset came from; None for a member of an archive, which came from none.

    Its labels, classes and attributes are those of the source, its checksum that of the bytes that came, its split the
    one that it was dealt. Where it stood in which file makes no difference.
    """
    if isinstance(ready, Rejection):
        return None
    verified = ready.original.verified if isinstance(ready, Prepared) else ready.verified
    if verified.source.parent is not None:
        return None
    return replace(verified.source, checksum=f"sha256:{verified.sha256}", origin="")


def carried(row: ManifestRow) -> Rejection:
    """Returns how an item ended that is not in the dataset, as its row in the manifest says."""
    source = Source(row.id, row.source, split=row.split, group=row.group, attributes=row.attributes, parent=row.parent)
    code, message = row.error_code or "", row.error or ""
    return Rejection(
        source,
        row.stage,
        row.status,
        code,
        message,
        attempts=row.attempts,
        sha256=row.source_sha256,
        dropped=row.dropped,
    )


def as_before(outcomes: Iterable[Outcome], manifest: Path) -> Iterator[Outcome]:
    """Yields the outcomes of a rebuild with what an earlier run decided: splits, and which members to leave out.

    How many requests an item took says nothing of it, so that is taken over, too.

    Args:
        outcomes: How the rows of the manifest ended this time, in its order; after an archive, each of its members.
        manifest: Of the dataset that is rebuilt.
    """
    items = _items(manifest)
    members: Mapping[str, ManifestRow] = {}
    for outcome in outcomes:
        source = outcome.source if isinstance(outcome, Rejection) else outcome.verified.source
        if source.parent is None:
            row, members = next(items)
            yield _as(row, outcome)
        else:
            known = members.get(source.id)
            yield _as(known, outcome) if known else outcome


def _items(manifest: Path) -> Iterator[tuple[ManifestRow, Mapping[str, ManifestRow]]]:
    """Yields the row of each item with those of its members."""
    row, members = None, dict[str, ManifestRow]()
    for found in read_lines(manifest, ManifestRow):
        if found.parent is None:
            if row:
                yield row, members
            row, members = found, {}
        elif found.frame is None:
            members[found.id] = found
    if row:
        yield row, members


def _as(row: ManifestRow, outcome: Outcome) -> Outcome:
    if row.status != "ok":
        return carried(row)
    if isinstance(outcome, Rejection):
        return outcome
    source = replace(outcome.verified.source, split=row.split)
    return replace(outcome, verified=replace(outcome.verified, source=source, attempts=row.attempts))
