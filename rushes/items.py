"""A row of the source beside what the ledgers know of it, and what a run therefore has to do with it.

A run and a look at what it would do ask the same questions here, so that they get the same answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import UnsupportedFormatError
from rushes.files.unpack import is_archive, is_whole, rules_of
from rushes.labels import Category
from rushes.ledger import Ledger, media_key
from rushes.media import recipe_of
from rushes.records import Media, Rejection, Source, Unpacked, Verified
from rushes.sources import read_sources
from rushes.transfer.urls import identity, redact
from rushes.workspace import Workspace

__all__ = [
    "STATES",
    "PlanItem",
    "hopeless",
    "look_up",
    "made_key",
    "quarantined",
    "recipe",
    "source_key",
    "state",
    "to_ask",
    "to_fetch",
    "to_make",
]

STATES = ("new", "changed", "again", "remake", "unchanged", "rejected")
"""What a row is before a run; each is one of these."""


class PlanItem(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One planned item, and what the ledgers know of it.

    Attributes:
        key: The verified ledger's key.
        source: The row.
        rejection: How it ended already: an unreadable or a doubled row.
        verified: Its bytes are in the store.
        made: What the recipe makes of these bytes is there too, or all that comes out of an archive.
        previous: How it was stopped before, with the validators to ask whether it changed.
        earlier: What the same URL came to with another checksum, or the same file before it was touched.
    """

    key: str
    source: Source
    rejection: Rejection | None = None
    verified: Verified | None = None
    made: bool = False
    previous: Rejection | None = None
    earlier: Verified | Rejection | None = None


def recipe(pipeline: Pipeline) -> str:
    """Returns the hash of what the pipeline makes of each media file, and finds out about it."""
    made, check = recipe_of(pipeline.transcode_config), pipeline.quality_check
    return hashlib.sha256(f"{made} {check.sample} {check.metric}".encode()).hexdigest()[:12] if check else made


def made_key(verified: Verified, pipeline: Pipeline) -> str:
    """Returns the key under which it is known what the pipeline makes of these bytes, or what comes out of them."""
    rules = rules_of(pipeline.download.unpack) if is_archive(verified) else recipe(pipeline)
    return media_key(verified.sha256, rules)


def source_key(source: Source) -> str:
    """Returns what identifies an item's bytes: URL without volatile parts, checksum, and a local file's state."""
    parts = [identity(source.url), source.checksum or ""]
    if source.url.startswith("file://"):
        parts.append(_file_state(Path(unquote(urlsplit(source.url).path))))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def look_up(
    pipeline: Pipeline,
    workspace: Workspace,
    categories: list[Category] | None = None,
    rows: Iterable[Source | Rejection] | None = None,
) -> Iterator[PlanItem]:
    """Yields each row of the source with what the ledgers know of it; writes nothing.

    Args:
        pipeline: The pipeline.
        workspace: Its workspace.
        categories: Takes the classes of a source that is a dataset, before its first item comes.
        rows: What is looked up; None reads the pipeline's source.

    Raises:
        ConfigError: The source file cannot be used at all.
    """
    workspace.need_all("ledger")
    ledger, media, unpacked = (Ledger(workspace.ledger(stage)) for stage in ("verified", "media", "unpacked"))
    for row in read_sources(pipeline.source, pipeline.download, categories) if rows is None else rows:
        if isinstance(row, Rejection):
            yield PlanItem("", row.source, rejection=row)
            continue
        key = source_key(row)
        known = ledger.get(key)
        arrived = known if isinstance(known, Verified) else None
        verified = arrived if arrived and workspace.holds(arrived.path, arrived.size_bytes) else None
        previous = known if isinstance(known, Rejection) else None
        became = unpacked if verified and is_archive(verified) else media
        found = verified and became.get(made_key(verified, pipeline))
        if verified and isinstance(found, Rejection):
            previous = replace(found, etag=verified.etag, last_modified=verified.last_modified)
        made = isinstance(found, Media) and (_is(found, verified) or workspace.holds(found.path, found.size_bytes))
        made = made or (isinstance(found, Unpacked) and is_whole(found, workspace))
        earlier = ledger.of_url(redact(row.url)) if known is None else None
        yield PlanItem(key, row, None, verified, made, previous, _arrived_or_stopped(earlier))


def state(item: PlanItem) -> str:
    """Returns which of `STATES` an item is in.

    Whether bytes without a checksum changed at their source, only the source can tell; until it does they are
    `unchanged`.
    """
    if item.rejection is not None:
        return "rejected"
    if item.previous is not None or isinstance(item.earlier, Rejection):
        return "again"
    if item.verified is None:
        return "changed" if item.earlier else "new"
    return "unchanged" if item.made else "remake"


def to_ask(item: PlanItem, pipeline: Pipeline) -> bool:
    """Tells whether to ask the source if it still has the bytes that are here: no checksum says so, a validator can."""
    known = item.verified
    named = known is not None and (known.etag or known.last_modified) is not None
    here = item.source.checksum is not None or item.source.url.startswith("file://")
    return pipeline.download.revalidate and named and not here


def to_fetch(item: PlanItem, pipeline: Pipeline) -> bool:
    """Tells whether to ask the source: for bytes that are not here, for better ones, or whether it has other ones."""
    return item.verified is None or to_ask(item, pipeline) or (quarantined(item) and not item.source.checksum)


def to_make(item: PlanItem) -> bool:
    """Tells whether media must be made of the bytes that are here."""
    return not (item.made or hopeless(item))


def quarantined(item: PlanItem) -> bool:
    """Tells whether bytes arrived before that were not trusted, or were no media."""
    return item.previous is not None and item.previous.status == "quarantined"


def hopeless(item: PlanItem) -> bool:
    """Tells whether these bytes would be refused again; of an unknown format, another ffmpeg may think better."""
    known = item.previous
    return known is not None and known.status == "quarantined" and known.code != UnsupportedFormatError.code


def _is(made: Media, verified: Verified | None) -> bool:
    return verified is not None and (made.path, made.size_bytes) == (verified.path, verified.size_bytes)


def _arrived_or_stopped(known: object) -> Verified | Rejection | None:
    return known if isinstance(known, Verified | Rejection) else None


def _file_state(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "missing"  # the download says so, with the right code
    return f"{found.st_size}-{found.st_mtime_ns}"
