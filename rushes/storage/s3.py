"""Buckets of S3, and of whatever speaks its protocol, through obstore."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import obstore
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotModifiedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from rushes.errors import BadURLError, StorageAccessError, StorageError
from rushes.storage.base import Body, Entry
from rushes.storage.bucket import replace_files

__all__ = ["S3Storage"]

_CHUNK_BYTES = 1 << 20
_PART_BYTES = 8 << 20
_MOST_PARTS = 9_000  # S3 takes 10,000
_PARTS_AT_A_TIME = 4
_DENIED = (PermissionDeniedError, UnauthenticatedError)


class S3Storage:
    """A prefix of a bucket.

    The server compares each upload, and each part of a large one, with its sha256, and refuses what arrived damaged.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._store = _store(self.url)

    def put(self, path: Path, name: str) -> None:
        """See `Storage.put`."""
        part_bytes = max(_PART_BYTES, path.stat().st_size // _MOST_PARTS)
        with self._translated(name, writing=True):
            obstore.put(self._store, name, path, chunk_size=part_bytes, max_concurrency=_PARTS_AT_A_TIME)

    def write(self, name: str, data: bytes) -> None:
        """See `Storage.write`."""
        with self._translated(name, writing=True):
            obstore.put(self._store, name, data)

    def create(self, name: str, data: bytes) -> bool:
        """See `Storage.create`."""
        with self._translated(name, writing=True):
            try:
                obstore.put(self._store, name, data, mode="create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def get(self, name: str, path: Path) -> None:
        """See `Storage.get`."""
        part = path.with_name(f".{path.name}.part")
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._translated(name):
            chunks = obstore.get(self._store, name).stream(_CHUNK_BYTES)
            with part.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        part.replace(path)

    def read(self, name: str) -> bytes | None:
        """See `Storage.read`."""
        with self._translated(name):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def open(self, name: str, known: str | None = None) -> Body | None:
        """See `Storage.open`."""
        with self._translated(name):
            try:
                found = obstore.get(self._store, name, options={"if_none_match": known} if known else None)
            except NotModifiedError:
                return None
        return Body(_entry(found.meta), self._chunks(name, found))

    def list(self, folder: str = "") -> Iterator[Entry]:
        """See `Storage.list`."""
        with self._translated(folder):
            for batch in obstore.list(self._store, f"{folder}/" if folder else None, chunk_size=1000):
                yield from map(_entry, batch)

    def copy(self, old: str, new: str) -> None:
        """See `Bucket.copy`."""
        with self._translated(old):
            obstore.copy(self._store, old, new)

    def move(self, old: str, new: str) -> None:
        """See `Storage.move`; the bytes stay with the server."""
        with self._translated(old):
            obstore.rename(self._store, old, new)

    def replace(self, old: str, new: str, last: str) -> None:
        """See `Storage.replace`: file by file, because a bucket has no folders."""
        replace_files(self, old, new, last)

    def delete(self, name: str) -> None:
        """See `Storage.delete`."""
        with self._translated(name):
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    def close(self) -> None:
        """See `Storage.close`; obstore does so by itself."""

    def _chunks(self, name: str, found: Any) -> Iterator[bytes]:
        with self._translated(name):
            for chunk in found.stream(_CHUNK_BYTES):
                yield bytes(chunk)

    @contextmanager
    def _translated(self, name: str, writing: bool = False) -> Iterator[None]:
        where = f"{self.url}/{name}"
        try:
            yield
        except FileNotFoundError:
            if writing:
                raise StorageError(f"{where}: no such bucket. Check its name, or make it first.") from None
            raise BadURLError(f"{where}: no such object. Check the URL, and whether it still exists.") from None
        except _DENIED:
            raise StorageAccessError(
                f"{where}: the storage refuses access. Check the credentials in the environment of every worker, and "
                "what they may do."
            ) from None
        except (BaseError, ValueError) as error:  # a name that is none is a ValueError
            text = str(error).partition("\n")[0].strip()[:300]
            raise StorageError(f"{where}: {text}. Check the storage's address, the network and the bucket.") from None


def _store(url: str) -> S3Store:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    return S3Store.from_url(
        url,
        config={"checksum_algorithm": "SHA256"},
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "600s"},
        retry_config={"max_retries": 5, "retry_timeout": timedelta(seconds=60)},
        credential_provider=_credentials(),
    )


def _credentials() -> Boto3CredentialProvider | None:
    """Finds credentials where Amazon's own tools do; obstore by itself knows no profiles and no single sign-on."""
    if os.environ.get("AWS_SKIP_SIGNATURE", "").lower() == "true":
        return None
    session = boto3.Session()
    return Boto3CredentialProvider(session) if session.get_credentials() else None


def _entry(meta: Any) -> Entry:
    return Entry(meta["path"], meta["size"], meta["e_tag"] or "")
