"""One attempt at an item's bytes: from a disk, or from a server, the rest only where that is all that is missing."""

from __future__ import annotations

import http
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.errors import TruncatedError
from rushes.records import Download, Source
from rushes.storage import is_storage
from rushes.transfer.inside import inside_of
from rushes.transfer.local import is_local, local_path, read_local, validator
from rushes.transfer.part import check_space, save
from rushes.transfer.request import Transfer, opened
from rushes.transfer.resume import Rest, continues, discard, headers_of, kept, noting, range_headers
from rushes.transfer.stored import receive_stored

if TYPE_CHECKING:
    from rushes.config import DownloadConfig
    from rushes.transfer.guard import GuardedSession

__all__ = ["receive"]


class _StaleError(Exception):
    """What is kept is no part of what the server has now, or the server cannot send the rest."""


def receive(
    source: Source,
    root: Path,
    relative: str,
    config: DownloadConfig,
    session: GuardedSession,
    headers: Mapping[str, str],
) -> Download | None:
    """Fetches an item once.

    Args:
        source: What to fetch.
        root: The workspace.
        relative: The part file, relative to it; with its note, it is gone on with.
        config: Limits.
        session: From `guarded_session`.
        headers: The condition of the request, where the content is at hand already.

    Returns:
        What arrived, or None where the source still has the content that the condition names.

    Raises:
        DownloadError: Any of its kinds.
        StorageError: The part file cannot be written.
    """
    if is_local(source.url):
        return _copy(source, root, relative, config, headers)
    if is_storage(source.url):
        return receive_stored(source, root, relative, config, session.storages, headers)
    rest = kept(root / relative, source.url)
    if rest:
        try:
            return _transfer(source, root, relative, config, session, {**headers, **range_headers(rest)}, rest)
        except _StaleError:
            discard(root / relative)
    return _transfer(source, root, relative, config, session, headers)


def _transfer(
    source: Source,
    root: Path,
    relative: str,
    config: DownloadConfig,
    session: GuardedSession,
    headers: Mapping[str, str],
    asked: Rest | None = None,
) -> Download | None:
    start_s, part = time.monotonic(), root / relative
    with opened(source.url, session, config, headers) as transfer:
        if transfer.not_modified:
            discard(part)
            return None
        rest, chunks = _granted(transfer, asked), transfer.chunks()
        if rest is None:
            if asked:
                discard(part)
            chunks = noting(chunks, part, source.url, transfer.response.headers, transfer.announced_bytes)
        check_space(part, transfer.announced_bytes or 0, transfer.url)
        start_bytes = rest.start_bytes if rest else 0
        size_bytes, digests = save(chunks, part, _algorithms(source), config.max_bytes, transfer.url, start_bytes)
        if rest:
            _check_whole(transfer, rest, size_bytes, digests, source.checksum)
        told = {**(rest.note.headers if rest else {}), **headers_of(transfer.response.headers)}
        return Download(
            source=source,
            path=relative,
            size_bytes=size_bytes,
            digests=digests,
            content_type=told.get("Content-Type", "").partition(";")[0].strip().lower() or None,
            etag=told.get("ETag"),
            last_modified=told.get("Last-Modified"),
            elapsed_s=time.monotonic() - start_s,
            robots=transfer.robots,
        )


def _granted(transfer: Transfer, asked: Rest | None) -> Rest | None:
    """Returns the rest that the server sends, or None where it sends all."""
    if asked is None or transfer.response.status_code == http.HTTPStatus.OK:
        return None
    if transfer.response.status_code != http.HTTPStatus.PARTIAL_CONTENT:
        raise _StaleError
    if not continues(asked, transfer.response.headers):
        raise _StaleError
    return asked


def _check_whole(
    transfer: Transfer, rest: Rest, size_bytes: int, digests: Mapping[str, str], checksum: str | None
) -> None:
    """Checks what two answers were joined to; a server may have two files behind one entity tag."""
    total_bytes = rest.note.total_bytes
    algorithm, _, expected = (checksum or "").partition(":")
    if size_bytes > total_bytes or (checksum and size_bytes == total_bytes and digests[algorithm] != expected):
        raise _StaleError
    if size_bytes < total_bytes:
        raise TruncatedError(f"{transfer.url}: {size_bytes} bytes arrived, and {total_bytes} are all. Try again.")


def _copy(
    source: Source, root: Path, relative: str, config: DownloadConfig, headers: Mapping[str, str]
) -> Download | None:
    start_s = time.monotonic()
    path, inside = local_path(source.url), inside_of(source.url)
    etag = validator(path, config.max_bytes, inside)
    if headers.get("If-None-Match") == etag:
        return None
    size_bytes, digests = save(
        read_local(path, inside), root / relative, _algorithms(source), config.max_bytes, str(path)
    )
    return Download(source, relative, size_bytes, digests, etag=etag, elapsed_s=time.monotonic() - start_s)


def _algorithms(source: Source) -> list[str]:
    return sorted({"sha256", source.checksum.partition(":")[0] if source.checksum else "sha256"})
