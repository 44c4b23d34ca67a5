"""Whether everything that a dataset was made of is still there, as far as can be told without fetching it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from rushes.config import DownloadConfig
from rushes.errors import HTTPStatusError, RushesError
from rushes.jsonl import read_lines
from rushes.rebuild.begin import usable
from rushes.rebuild.packed import Shards
from rushes.rebuild.result import Difference, reason_of
from rushes.records import Rejection, Source
from rushes.rejection import reject
from rushes.storage import is_storage
from rushes.summary.publish import SOURCES
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.inside import inside_of
from rushes.transfer.local import is_local, local_path, validator
from rushes.transfer.request import opened
from rushes.workers import each

__all__ = ["lost"]

_HEAD_REFUSED = frozenset({405, 501})
"""Statuses of servers that answer to GET alone, and so say nothing of the item."""


def lost(dataset: Path, config: DownloadConfig, report: Callable[[int, int], None] | None = None) -> list[Difference]:
    """Asks for each item of a dataset whether it is still there, and returns those that are not, in their order.

    The web is asked with HEAD, a storage for the length, a disk for the file. Whether the bytes are the same, only a
    rebuild can tell.

    Args:
        dataset: A folder with its sources.
        config: How to ask, and how many at a time.
        report: Told how many of how many items are done.
    """
    items, found = [*_items(dataset)], dict[str, Difference]()
    done, lock = 0, threading.Lock()
    with guarded_session(config) as session:

        def ask(item: Source | Rejection) -> None:
            nonlocal done
            stopped = _asked(item, config, session)
            with lock:
                done += 1
                if stopped:
                    source = stopped.source
                    reason = reason_of(stopped.stage, stopped.code, stopped.message)
                    found[source.id] = Difference(source.id, source.url, reason, stopped.code, stopped.message)
                if report:
                    report(done, len(items))

        each(items, ask, config.concurrency)
    ids = ((item.source if isinstance(item, Rejection) else item).id for item in items)
    return [found[id_] for id_ in ids if id_ in found]


def _items(dataset: Path) -> Iterator[Source | Rejection]:
    """Yields what to ask for, without labels, of which there may be many."""
    shards = Shards()
    for source in read_lines(dataset / SOURCES, Source):
        yield usable(Source(source.id, source.url), shards)


def _asked(item: Source | Rejection, config: DownloadConfig, session: GuardedSession) -> Rejection | None:
    """Returns how an item would end at once, or None where it is there, or nobody says."""
    if isinstance(item, Rejection):
        return item
    try:
        if is_local(item.url):
            validator(local_path(item.url.partition("#")[0]), config.max_bytes, inside_of(item.url))
        elif is_storage(item.url):
            session.storages.size(item.url)
        else:
            with opened(item.url, session, config, {}, "HEAD"):
                pass
    except HTTPStatusError as error:
        return None if error.http_status in _HEAD_REFUSED else reject(item, "download", error)
    except RushesError as error:
        return reject(item, "download", error)
    return None
