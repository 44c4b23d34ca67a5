"""Getting an item's bytes: tried again where that helps, hashed on the way, whole or not at all."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from rushes.errors import ConfigError, RushesError
from rushes.files.checksum import compare, parse_checksum
from rushes.files.io import get_temp_path
from rushes.jsonl import publish
from rushes.records import Download, Source
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.patience import retries
from rushes.transfer.receive import receive
from rushes.transfer.resume import discard
from rushes.transfer.urls import item_id, redact, suffix

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["adownload_file", "afiles_url_to_path", "download_file", "fetch", "files_url_to_path"]


def fetch(
    source: Source,
    root: Path,
    relative: str,
    config: DownloadConfig,
    session: GuardedSession,
    etag: str | None = None,
    last_modified: str | None = None,
) -> Download | None:
    """Fetches one item into a part file; transient failures are tried again, with backoff.

    Args:
        source: What to fetch; its checksum's algorithm is computed on the way, and compared by nobody yet.
        root: The workspace.
        relative: The part file, relative to it. Where an earlier call left one with a note beside it, the transfer goes
            on there; a failure that may pass leaves both behind if it can, any other one neither.
        config: Limits, and how often to try.
        session: From `guarded_session`.
        etag: Validator of content that is at hand already.
        last_modified: Its other validator.

    Returns:
        What arrived, or None where the source still has the content that the validators name.

    Raises:
        DownloadError: Any of its kinds; its `attempts` says how many requests it took.
        StorageError: The part file cannot be written.
    """
    known = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    headers = {name: value for name, value in known.items() if value}
    once = partial(receive, source, root, relative, config, session, headers)
    try:
        return once()
    except RushesError as error:  # most items never come here, and to count attempts takes longer than a small file
        return _retried(error, once, root / relative, config.attempts)


def _retried(first: RushesError, again: Callable[[], Download | None], part: Path, most: int) -> Download | None:
    attempts, arrived = 0, None
    try:
        for attempt in retries(most):
            with attempt:
                attempts = attempt.num
                if attempts == 1:
                    raise first
                arrived = again()
    except RushesError as error:
        error.attempts = attempts
        if not error.transient:
            discard(part)
        raise
    return arrived and replace(arrived, attempts=attempts)


def download_file(
    url: str,
    path_download: str | Path,
    name: str | None = None,
    coerce: Callable[[Path], Any] | None = None,
    use_cached: bool = True,
    *,
    checksum: str | None = None,
    allow_hosts: Sequence[str] = (),
) -> Any:
    """Downloads a URL into a folder.

    Args:
        url: http(s) or `file://`.
        path_download: The folder; made where missing.
        name: File name without suffix, which the URL gives; default: derived from the URL.
        coerce: Applied to the path that is returned, like `str`.
        use_cached: Return a file that an earlier call with the same URL left; a given `name` is always fetched anew.
        checksum: What the file must have: `sha256:…`, or bare hex whose length names the algorithm.
        allow_hosts: Addresses, networks and names to reach although they are not public, like `127.0.0.1`.

    Returns:
        The file's path, coerced.

    Raises:
        DownloadError: Any of its kinds.
        ChecksumMismatchError: The file is not what `checksum` promises; it is not kept.
        ConfigError: `checksum`, `name` or `allow_hosts` cannot be understood.
        StorageError: The file cannot be written.
    """
    path = Path(path_download) / _file_name(url, name)
    if name is not None or not use_cached or not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(Source(path.stem, url, _checksum(checksum)), path, allow_hosts)
    return coerce(path) if coerce else path


async def adownload_file(
    url: str,
    path_download: str | Path,
    name: str | None = None,
    coerce: Callable[[Path], Any] | None = None,
    use_cached: bool = True,
    *,
    checksum: str | None = None,
    allow_hosts: Sequence[str] = (),
) -> Any:
    """Does what `download_file` does, in a thread."""
    return await asyncio.to_thread(
        download_file, url, path_download, name, coerce, use_cached, checksum=checksum, allow_hosts=allow_hosts
    )


def files_url_to_path(
    files: Iterable[str],
    path_download: str | Path | None = None,
    coerce: Callable[[Path], Any] | None = None,
    *,
    allow_hosts: Sequence[str] = (),
) -> list[Any]:
    """Downloads URLs into a folder, one after the other, and returns their paths in the same order.

    Args:
        files: The URLs.
        path_download: The folder; default: `media` among the temporary files.
        coerce: Applied to each path, like `str`.
        allow_hosts: As in `download_file`, which also names the errors.
    """
    folder = path_download or get_temp_path("media")
    return [download_file(url, folder, coerce=coerce, allow_hosts=allow_hosts) for url in files]


async def afiles_url_to_path(
    files: Iterable[str],
    path_download: str | Path | None = None,
    coerce: Callable[[Path], Any] | None = None,
    *,
    allow_hosts: Sequence[str] = (),
) -> list[Any]:
    """Does what `files_url_to_path` does, several at a time."""
    folder = path_download or get_temp_path("media")
    return await asyncio.gather(*(adownload_file(url, folder, coerce=coerce, allow_hosts=allow_hosts) for url in files))


def _download(source: Source, path: Path, allow_hosts: Sequence[str]) -> None:
    from rushes.config import DownloadConfig

    config = DownloadConfig(allow_private_hosts=tuple(allow_hosts))
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with guarded_session(config) as session:
            arrived = fetch(source, path.parent, part.name, config, session)
        if arrived:
            compare(arrived.digests, source.checksum, redact(source.url))
            publish(part, path)
    finally:
        discard(part)


def _checksum(text: str | None) -> str | None:
    try:
        return parse_checksum(text) if text is not None else None
    except ValueError as error:
        raise ConfigError(f"checksum {text!r}: {error}.") from None


def _file_name(url: str, name: str | None) -> str:
    if name is not None and (name in ("", ".", "..") or "/" in name or "\0" in name):
        raise ConfigError(f"name {name!r}: expected a file name without folders.")
    return f"{name or item_id(url)}{suffix(url)}"
