"""What a verification found, in words."""

from __future__ import annotations

from collections.abc import Iterator

from rushes.errors import DatasetDiffersError
from rushes.markdown import code, inline, plain
from rushes.summary.report.words import size
from rushes.summary.verify import Verification

__all__ = ["differences", "failure", "report", "rows", "verdict"]


def differences(found: Verification) -> dict[str, list[str]]:
    """Returns what differs, one line each, by what became of it."""
    by_kind = {
        "missing": [*found.missing],
        "changed": [path + _how(found, path) for path in found.changed],
        "renamed": [f"{old} is now {new}" for old, new in found.renamed],
        "swapped": [f"{one} and {other} have each other's bytes" for one, other in found.swapped],
        "replaced": [f"{path} is now {what}" for path, what in found.replaced],
        "contradiction": [_contradiction(one.path, one.manifest, one.checksums) for one in found.contradicted],
        "extra": [path + _left(found.left_by.get(path)) for path in found.extra],
    }
    return {kind: lines for kind, lines in by_kind.items() if lines}


def verdict(found: Verification) -> str:
    """Returns what came of it, in one sentence."""
    return f"{found.checked} files checked: {'all as written' if found.intact else 'the dataset differs'}"


def rows(found: Verification) -> Iterator[dict[str, str]]:
    """Yields what differs as rows of a table."""
    for kind, lines in differences(found).items():
        yield from ({"what": kind, "file": plain(line)} for line in lines)


def failure(found: Verification, dataset: str) -> str | None:
    """Returns why a dataset is not what it was, and what to do; None where it is."""
    if found.intact:
        return None
    counts = ", ".join(f"{len(lines)} {kind}" for kind, lines in differences(found).items())
    first = next((f", first {kind}: {lines[0]}" for kind, lines in differences(found).items()), "")
    digest = f"its digest is not {found.unexpected}" if found.unexpected else ""
    what = "; ".join(filter(None, (counts + first, digest)))
    return f"{dataset} is not as it was written: {what}. {DatasetDiffersError.remedy}"


def report(found: Verification, dataset: str) -> str:
    """Returns in Markdown what came of it; the files themselves stand in the table of `rows`."""
    verdict_line = "**All as written.**" if found.intact else "**The dataset differs.**"
    lines = [f"- {kind}: {len(entries):,}" for kind, entries in differences(found).items()]
    lines += [f"- {what}: sha256 {code(digest)}" for what, digest in _digests(found) if digest]
    checked = f"{verdict_line} {found.checked:,} files checked, {size(found.size_bytes)}."
    parts = (f"# {inline(dataset)}", checked, "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _digests(found: Verification) -> tuple[tuple[str, str | None], ...]:
    expected = ("expected, and neither of these", found.unexpected)
    return ("manifest", found.manifest), ("checksums", found.checksums), expected


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
