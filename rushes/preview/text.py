"""A forecast in words."""

from __future__ import annotations

from collections.abc import Iterator

from rushes.preview.forecast import Forecast
from rushes.summary.report.words import size

__all__ = ["lines"]

_STATES = {
    "new": "new",
    "changed": "changed",
    "failed_before": "failed before",
    "remake": "to make again",
    "unchanged": "unchanged",
    "rejected": "bad or doubled rows",
}


def lines(found: Forecast) -> Iterator[str]:
    """Yields what a person wants to read, line by line."""
    states = ", ".join(f"{found.items[name]} {words}" for name, words in _STATES.items())
    yield f"items:     {found.items['planned']} planned = {states}"
    yield f"fetch:     {found.fetch} items, {_size(found.fetch_bytes)} ({found.basis['fetch_bytes']})"
    if found.ask:
        yield f"ask:       {found.ask} items whether they changed; those that did are fetched, too"
    if found.unasked:
        yield f"unasked:   {found.unasked} items without checksum are believed to be as they were"
    hidden = f" and what is in {found.archives} archives" if found.archives else ""
    yield f"make:      {found.make} media at most{hidden}, {_hours(found.transcode_s)} ({found.basis['transcode_s']})"
    yield f"disk:      {_disk(found)} ({found.basis['disk']})"
    yield f"time:      {_time(found.eta_s)} ({found.basis['eta_s']})"


def _disk(found: Forecast) -> str:
    disk = found.disk
    parts = {"store": disk.store, "derived": disk.derived, "dataset": disk.dataset}
    known = [value for value in parts.values() if value is not None]
    total = _size(sum(known)) if len(known) == len(parts) else f"{_size(sum(known))} and what nobody can tell yet"
    each = ", ".join(f"{name} {_size(value)}" for name, value in parts.items())
    free = "" if disk.free is None else f"; {_size(disk.free)} are free"
    short = "; NOT ENOUGH" if disk.free is not None and sum(known) > disk.free else ""
    return f"{total}: {each}{free}{short}"


def _size(value: int | None) -> str:
    return "unknown" if value is None else size(value)


def _hours(seconds: float | None) -> str:
    return f"{'unknown hours' if seconds is None else _span(seconds)} of video to transcode"


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else f"about {_span(max(1.0, seconds))}"


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
