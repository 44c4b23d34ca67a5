"""Where the items of a dataset came from, and under which licenses they say that they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from rushes.jsonl import read_lines
from rushes.summary.provenance import license_of
from rushes.transfer.urls import host_of

__all__ = ["Origin", "origins"]


class Origin(msgspec.Struct, frozen=True, order=True):
    """A place that items came from.

    Attributes:
        namespace: Scheme and host, like `https://example.com`; `file` for files of the machine that ran it.
        license: What their rows say of it; empty where they say nothing.
    """

    namespace: str
    license: str = ""


class _Row(msgspec.Struct):
    source: str
    status: str
    parent: str | None = None
    attributes: dict[str, Any] = {}


def origins(manifest: Path) -> dict[Origin, int]:
    """Returns how many items that ended ok came from each place; of members and frames, their parent counts.

    Args:
        manifest: `manifest.jsonl`.
    """
    counts: Counter[Origin] = Counter()
    for row in read_lines(manifest, _Row):
        if row.status == "ok" and row.parent is None:
            counts[Origin(_namespace(row.source), license_of(row.attributes))] += 1
    return dict(sorted(counts.items()))


def _namespace(source: str) -> str:
    scheme, separator, _ = source.partition("://")
    host = host_of(source) if separator else ""
    return f"{scheme}://{host}" if host else "file"
