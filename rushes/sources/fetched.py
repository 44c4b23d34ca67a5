"""Files that rows of a source name by URL: each fetched once, several at a time, by the rules of downloads."""

from __future__ import annotations

import os
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from rushes.files.download import fetch
from rushes.jsonl import storing
from rushes.records import Download, Source
from rushes.sources.cells import printable
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.urls import identity, name_of, suffix

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["FetchedFiles"]

_MAX_NAME_BYTES = 200


class FetchedFiles:
    """Fetches files into a temporary folder, in which equal ones stand once.

    Args:
        config: How: what hosts may be reached, limits, how often to try, and how many at a time.
    """

    def __init__(self, config: DownloadConfig) -> None:
        self._config = config
        self._stack = ExitStack()
        self._folder: Path | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._session: GuardedSession | None = None
        self._under_way: dict[str, Future[Download | None]] = {}
        self._paths: dict[str, Path] = {}

    def expect(self, url: str) -> Future[Download | None]:
        """Begins to fetch a URL, however it is signed, unless somebody asked for it before."""
        key = identity(url)
        if key not in self._under_way:
            pool, session, folder = self._begun()
            relative = f"{len(self._under_way)}.part"
            source = Source("labels", url)
            self._under_way[key] = pool.submit(fetch, source, folder, relative, self._config, session)
        return self._under_way[key]

    def get(self, url: str) -> Path:
        """Returns where the file is, under its own name if it has one that is safe.

        Raises:
            DownloadError: Any of its kinds: the same one to all who ask.
            StorageError: A storage does not answer or refuses, or the file cannot be written.
        """
        key = identity(url)
        arrived = self.expect(url).result()
        if key not in self._paths and arrived is not None:
            self._paths[key] = self._kept(arrived, url)
        return self._paths[key]

    def close(self) -> None:
        """Stops what is under way, and removes all files."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
        self._stack.close()

    def _begun(self) -> tuple[ThreadPoolExecutor, GuardedSession, Path]:
        if self._folder is None or self._pool is None or self._session is None:
            # The process's number lets the command sweep up after one that was killed.
            temporary = tempfile.TemporaryDirectory(prefix=f"rushes-{os.getpid()}-", ignore_cleanup_errors=True)
            self._folder = Path(self._stack.enter_context(temporary))
            self._session = self._stack.enter_context(guarded_session(self._config))
            self._pool = ThreadPoolExecutor(self._config.concurrency)
        return self._pool, self._session, self._folder

    def _kept(self, arrived: Download, url: str) -> Path:
        part = (self._folder or Path()) / arrived.path
        target = part.parent / arrived.digests["sha256"] / _safe_name(url)
        with storing(target):
            target.parent.mkdir(exist_ok=True)
            part.replace(target)
        return target


def _safe_name(url: str) -> str:
    """Returns the last part of a URL's path as the name of a file; another one where that cannot be one."""
    name = printable(PurePosixPath(unquote(name_of(url))).name)
    return name if name not in ("", "..") and len(name.encode()) <= _MAX_NAME_BYTES else f"labels{suffix(url)}"
