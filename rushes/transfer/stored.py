"""Items that lie in a storage: on S3, on Google Cloud Storage, on a machine with SSH."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rushes.errors import BadURLError, ForbiddenHostError, TooLargeError
from rushes.records import Download, Source
from rushes.storage import Storage, open_storage
from rushes.transfer.part import check_space, save
from rushes.transfer.urls import redact

if TYPE_CHECKING:
    from rushes.config import DownloadConfig

__all__ = ["Storages", "receive_stored"]


class Storages:
    """Storages by bucket or host, each opened once.

    Args:
        allowed: Schemes of storages, and beginnings of URLs, that may be read from.
        connect: Makes connections to hosts that a row names.
    """

    def __init__(self, allowed: Sequence[str], connect: Callable[[str, int], socket]) -> None:
        self._allowed = tuple(entry if "://" in entry else f"{entry}://" for entry in allowed)
        self._connect = connect
        self._lock = threading.Lock()
        self._open: dict[str, Storage] = {}

    def find(self, url: str) -> tuple[Storage, str]:
        """Returns the storage that a URL names a file of, and the file's name there.

        Raises:
            ForbiddenHostError: Rows may not name it, or its host has no public address.
            BadURLError: The URL names no file.
            StorageError: It does not answer, or refuses.
        """
        parts = urlsplit(url)
        if not f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".startswith(self._allowed):
            raise ForbiddenHostError(
                f"{redact(url)}: not among download.allow_storage = {list(self._allowed)}. If it is meant, add it."
            )
        name = unquote(parts.path).lstrip("/")
        if not name or name.endswith("/") or {".", ".."} & set(name.split("/")):
            raise BadURLError(f"{redact(url)}: expected the URL of a file, without '.' and '..' between its slashes.")
        root = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if root not in self._open:
                self._open[root] = open_storage(root, self._connect)
            return self._open[root], name

    def size(self, url: str) -> int | None:
        """Returns an item's length in bytes, without reading it; arguments and errors as for `find`."""
        storage, name = self.find(url)
        body = storage.open(name)
        return body.entry.size_bytes if body else None

    def close(self) -> None:
        """Ends all connections."""
        with self._lock:
            for storage in self._open.values():
                storage.close()
            self._open.clear()


def receive_stored(
    source: Source, root: Path, relative: str, config: DownloadConfig, storages: Storages, headers: Mapping[str, str]
) -> Download | None:
    """Fetches an item from a storage once; arguments and result as for `receive`."""
    start_s, shown = time.monotonic(), redact(source.url)
    storage, name = storages.find(source.url)
    body = storage.open(name, headers.get("If-None-Match"))
    if body is None:
        return None
    size_bytes = body.entry.size_bytes
    if size_bytes > config.max_bytes:
        raise TooLargeError(
            f"{shown}: {size_bytes} bytes, and download.max_bytes is {config.max_bytes}. "
            "Raise the limit if the item is meant."
        )
    part = root / relative
    check_space(part, size_bytes, shown)
    algorithms = {"sha256", *([source.checksum.partition(":")[0]] if source.checksum else [])}
    size_bytes, digests = save(body.chunks, part, sorted(algorithms), config.max_bytes, shown)
    return Download(source, relative, size_bytes, digests, etag=body.entry.etag, elapsed_s=time.monotonic() - start_s)
