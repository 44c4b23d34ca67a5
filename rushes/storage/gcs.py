"""Buckets of Google Cloud Storage, through Google's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, Unauthorized
from google.auth.exceptions import GoogleAuthError
from google.cloud.exceptions import GoogleCloudError
from google.cloud.storage import Blob, Client
from google.cloud.storage.retry import DEFAULT_RETRY

from rushes.errors import BadURLError, StorageAccessError, StorageError
from rushes.storage.base import Body, Entry
from rushes.storage.bucket import replace_files

__all__ = ["GCSStorage"]

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60


class GCSStorage:
    """A prefix of a bucket; the server compares each upload with its CRC32C, and refuses what arrived damaged."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = f"gs://{parts.netloc}{parts.path.rstrip('/')}"
        self._prefix = f"{path}/" if (path := parts.path.strip("/")) else ""
        with self._translated(""):
            self._client = Client()
        self._bucket = self._client.bucket(parts.netloc)

    def put(self, path: Path, name: str) -> None:
        """See `Storage.put`; large files go as resumable uploads."""
        with self._translated(name, writing=True):
            self._blob(name).upload_from_filename(str(path), checksum="crc32c", timeout=_TIMEOUT_S, retry=DEFAULT_RETRY)

    def write(self, name: str, data: bytes) -> None:
        """See `Storage.write`."""
        with self._translated(name, writing=True):
            self._blob(name).upload_from_string(data, checksum="crc32c", timeout=_TIMEOUT_S, retry=DEFAULT_RETRY)

    def create(self, name: str, data: bytes) -> bool:
        """See `Storage.create`."""
        with self._translated(name, writing=True):
            try:
                self._blob(name).upload_from_string(data, if_generation_match=0, timeout=_TIMEOUT_S)
            except PreconditionFailed:
                return False
        return True

    def get(self, name: str, path: Path) -> None:
        """See `Storage.get`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        with self._translated(name):
            self._blob(name).download_to_filename(str(part), timeout=_TIMEOUT_S)
        part.replace(path)

    def read(self, name: str) -> bytes | None:
        """See `Storage.read`."""
        with self._translated(name):
            try:
                return bytes(self._blob(name).download_as_bytes(timeout=_TIMEOUT_S))
            except NotFound:
                return None

    def open(self, name: str, known: str | None = None) -> Body | None:
        """See `Storage.open`."""
        blob = self._blob(name)
        with self._translated(name):
            blob.reload(timeout=_TIMEOUT_S)
        entry = self._entry(blob)
        return None if entry.etag == known else Body(entry, self._chunks(name, blob))

    def list(self, folder: str = "") -> Iterator[Entry]:
        """See `Storage.list`."""
        prefix = self._prefix + (f"{folder}/" if folder else "")
        with self._translated(folder):
            for blob in self._client.list_blobs(self._bucket, prefix=prefix, timeout=_TIMEOUT_S):
                yield self._entry(blob)

    def copy(self, old: str, new: str) -> None:
        """See `Bucket.copy`."""
        with self._translated(old):
            self._bucket.copy_blob(self._blob(old), self._bucket, self._prefix + new, timeout=_TIMEOUT_S)

    def move(self, old: str, new: str) -> None:
        """See `Storage.move`; the bytes stay with the server."""
        with self._translated(old):
            self._bucket.rename_blob(self._blob(old), self._prefix + new, timeout=_TIMEOUT_S)

    def replace(self, old: str, new: str, last: str) -> None:
        """See `Storage.replace`: file by file, because a bucket has no folders."""
        replace_files(self, old, new, last)

    def delete(self, name: str) -> None:
        """See `Storage.delete`."""
        with self._translated(name):
            try:
                self._blob(name).delete(timeout=_TIMEOUT_S)
            except NotFound:
                return

    def close(self) -> None:
        """See `Storage.close`."""
        self._client.close()

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob(self._prefix + name)

    def _entry(self, blob: Blob) -> Entry:
        return Entry(blob.name.removeprefix(self._prefix), blob.size or 0, f'"{blob.generation}"')

    def _chunks(self, name: str, blob: Blob) -> Iterator[bytes]:
        with self._translated(name), blob.open("rb", chunk_size=_CHUNK_BYTES, timeout=_TIMEOUT_S) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    @contextmanager
    def _translated(self, name: str, writing: bool = False) -> Iterator[None]:
        where = f"{self.url}/{name}"
        try:
            yield
        except NotFound:
            if writing:
                raise StorageError(f"{where}: no such bucket. Check its name, or make it first.") from None
            raise BadURLError(f"{where}: no such object. Check the URL, and whether it still exists.") from None
        except (Forbidden, Unauthorized, GoogleAuthError):
            raise StorageAccessError(
                f"{where}: the storage refuses access. Check the credentials in the environment of every worker, and "
                "what they may do."
            ) from None
        except (GoogleAPIError, GoogleCloudError, requests.RequestException, OSError) as error:
            text = str(error).partition("\n")[0].strip()[:300]
            raise StorageError(f"{where}: {text}. Check the storage's address, the network and the bucket.") from None
