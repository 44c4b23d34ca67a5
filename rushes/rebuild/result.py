"""What came of a rebuild: the same dataset, or what the world no longer has, item by item.

Both manifests are read side by side, one item with its members and frames at a time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from rushes.files.sums import read_sums
from rushes.jsonl import encode, read_lines
from rushes.records import ManifestRow
from rushes.summary.output import published
from rushes.summary.parquet import PARQUET
from rushes.summary.publish import MANIFEST, SUMMARY
from rushes.summary.verify import CHECKSUMS
from rushes.workspace import Workspace

__all__ = ["REASONS", "Difference", "Rebuilt", "compared", "digest_of", "reason_of", "result_of"]

REASONS = {
    "gone": "no longer there",
    "changed": "other bytes at the source",
    "credentials": "needs credentials",
    "refused": "not allowed to be fetched",
    "unreachable": "could not be fetched",
    "unusable": "the same bytes, and no longer usable",
    "made": "the same bytes at the source, and another result",
    "rows": "the same files, and other facts in the manifest",
}
"""Why an item is not as it was, and in words."""

_ANSWERED = re.compile(r": the server answered (\d{3})\b")
_GONE, _DENIED = frozenset({"404", "410"}), frozenset({"401", "403", "407"})
_BY_CODE = {
    "bad_url": "gone",
    "checksum_mismatch": "changed",
    "credentials": "credentials",
    "storage_access": "credentials",
    "forbidden_host": "refused",
    "robots": "refused",
    "robots_unreachable": "refused",
    "too_large": "changed",
}
_FETCHING = frozenset({"plan", "download", "checksum"})


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item that is not as it was.

    Attributes:
        id: Of the item, or of its member or frame.
        source: Where it came from.
        reason: One of `REASONS`.
        error_code: How it ended this time, where it failed.
        message: Likewise, with the next step.
        expected_sha256: Of the bytes at the source, or of the file in the dataset where `reason` is made.
        actual_sha256: Likewise.
        fields: Columns of the manifest that differ.
    """

    id: str
    source: str
    reason: str
    error_code: str | None = None
    message: str | None = None
    expected_sha256: str | None = None
    actual_sha256: str | None = None
    fields: tuple[str, ...] = ()


class Rebuilt(msgspec.Struct, frozen=True):
    """How a rebuilt dataset stands beside the original.

    Attributes:
        expected: Digest of the original's manifest.
        actual: Digest of the new one's.
        reasons: Items that are not as they were, by reason.
        first: The first of these.
        files: Files that differ, are missing or are new, of those that the lists of checksums cover.
        versions: Of programs that are other ones than when the original was made: then and now.
    """

    expected: str
    actual: str
    reasons: dict[str, int]
    first: tuple[Difference, ...]
    files: tuple[str, ...]
    versions: dict[str, tuple[str, str]]

    @property
    def identical(self) -> bool:
        """Whether it is the same, to the last byte that checksums cover."""
        return self.expected == self.actual and not self.files


def result_of(dataset: str, rebuilt: str, workspace: Workspace, run: str, shown: int = 20) -> Rebuilt:
    """Compares what a run made with what it was to make, and keeps all differences in the run's folder."""
    names = (MANIFEST, CHECKSUMS, SUMMARY)
    differences = workspace.run(run) / "differences.jsonl"
    differences.parent.mkdir(parents=True, exist_ok=True)
    with published(dataset, *names) as before, published(rebuilt, *names) as now:
        return compared(before, now, differences, shown)


def compared(original: Path, rebuilt: Path, differences: Path, shown: int = 20) -> Rebuilt:
    """Compares a rebuilt dataset with its original.

    Args:
        original: Folder with the manifest of the one, its checksums and its summary, those of them that there are.
        rebuilt: The same of the other.
        differences: A file for all differences, one a line.
        shown: How many of them to return.
    """
    expected, actual = digest_of(original / MANIFEST), digest_of(rebuilt / MANIFEST)
    reasons: Counter[str] = Counter()
    first: list[Difference] = []
    with differences.open("wb") as file:
        for found in _differences(original / MANIFEST, rebuilt / MANIFEST) if expected != actual else ():
            reasons[found.reason] += 1
            file.write(encode(found) + b"\n")
            if len(first) < shown:
                first.append(found)
    versions = _other_versions(_versions(original), _versions(rebuilt))
    return Rebuilt(expected, actual, dict(reasons), tuple(first), _other_files(original, rebuilt), versions)


def reason_of(stage: str, code: str, message: str) -> str:
    """Returns which of `REASONS` it is that an item stopped at this stage, with this error."""
    if stage not in _FETCHING:
        return "unusable"
    answered = _ANSWERED.search(message)
    if answered and answered[1] in _GONE | _DENIED:
        return "gone" if answered[1] in _GONE else "credentials"
    return _BY_CODE.get(code, "unreachable")


def digest_of(path: Path) -> str:
    """Returns the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differences(original: Path, rebuilt: Path) -> Iterator[Difference]:
    for old, new in zip_longest(_items(original), _items(rebuilt)):
        if old != new:
            yield from _of_item(old or {}, new or {})


def _items(manifest: Path) -> Iterator[dict[str, ManifestRow]]:
    """Yields the rows of an item and of what came out of it, by id, the item's own first."""
    rows: dict[str, ManifestRow] = {}
    for row in read_lines(manifest, ManifestRow):
        if row.parent is None and rows:
            yield rows
            rows = {}
        rows[row.id] = row
    if rows:
        yield rows


def _of_item(old: Mapping[str, ManifestRow], new: Mapping[str, ManifestRow]) -> Iterator[Difference]:
    """Yields what differs; what came out of an item that stopped says nothing more."""
    stopped: set[str] = set()
    for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
        before, now = old.get(id_), new.get(id_)
        one = before or now
        if one is None or one.parent in stopped or before == now:
            continue
        if before and now and now.status != "ok":
            stopped.add(id_)
            yield _stopped(before, now)
        else:
            yield _made(before, now, one)


def _stopped(before: ManifestRow, now: ManifestRow) -> Difference:
    return Difference(
        before.id,
        before.source,
        reason_of(now.stage, now.error_code or "", now.error or ""),
        now.error_code,
        now.error,
        before.source_sha256,
        now.source_sha256,
    )


def _made(before: ManifestRow | None, now: ManifestRow | None, one: ManifestRow) -> Difference:
    old, new = (msgspec.structs.asdict(row) if row else {} for row in (before, now))
    fields = tuple(name for name in one.__struct_fields__ if old.get(name) != new.get(name))
    files = before is None or now is None or "sha256" in fields
    digests = (old.get("sha256"), new.get("sha256")) if files else (None, None)
    return Difference(one.id, one.source, "made" if files else "rows", None, None, *digests, fields)


def _other_files(original: Path, rebuilt: Path) -> tuple[str, ...]:
    if not (original / CHECKSUMS).is_file():
        return ()
    old, new = read_sums(original / CHECKSUMS), read_sums(rebuilt / CHECKSUMS)
    # The manifest in columns follows from the manifest, and its bytes are those of a release of pyarrow.
    return tuple(sorted(path for path in {*old, *new} - {PARQUET} if old.get(path) != new.get(path)))


def _versions(dataset: Path) -> dict[str, str]:
    try:
        found: dict[str, Any] = json.loads((dataset / SUMMARY).read_bytes())
    except (OSError, ValueError):
        return {}
    versions = found.get("versions")
    return {str(name): str(value) for name, value in versions.items()} if isinstance(versions, dict) else {}


def _other_versions(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {name: (then[name], now[name]) for name in sorted(then.keys() & now.keys()) if then[name] != now[name]}
