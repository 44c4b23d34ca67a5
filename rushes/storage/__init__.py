"""Folders that lie elsewhere: on S3, on Google Cloud Storage, on a machine with SSH.

One small layer over obstore, google-cloud-storage and paramiko, which are imported when a URL first asks for them.
Steps do not work on a storage: they work in a folder that mirrors what they need of it, see `rushes.storage.mirror`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rushes.errors import ConfigError, DependencyError
from rushes.storage.base import Entry, Storage

if TYPE_CHECKING:
    from collections.abc import Callable
    from socket import socket

__all__ = ["SCHEMES", "Entry", "Storage", "is_storage", "open_storage", "split_storage"]

SCHEMES = ("s3", "gs", "sftp")
"""Schemes of URLs that name a storage."""


def is_storage(place: str) -> bool:
    """Tells whether a place is a URL of a storage, rather than a path or a web address."""
    return place.partition("://")[0].lower() in SCHEMES and "://" in place


def split_storage(url: str) -> tuple[str, str]:
    """Returns the URL of the folder that a file of a storage lies in, and the file's name there."""
    folder, _, name = url.rpartition("/")
    return folder, name


def open_storage(url: str, connect: Callable[[str, int], socket] | None = None) -> Storage:
    """Opens a folder of a storage.

    Credentials come from the environment, as the storage's own tools read them: `AWS_*` and `AWS_ENDPOINT_URL`,
    `GOOGLE_APPLICATION_CREDENTIALS`; for SFTP from the SSH agent, `~/.ssh`, or the URL.

    Args:
        url: `s3://bucket/prefix`, `gs://bucket/prefix` or `sftp://user@host/path`.
        connect: Makes the connection to a host and a port, where not just any of them may be reached.

    Raises:
        ConfigError: The URL names no such folder.
        DependencyError: The extra `storage` is not installed.
        StorageError: An SSH server is not there, or refuses.
    """
    scheme = url.partition("://")[0].lower()
    shown = re.sub(r"//[^/]*@", "//", url)
    try:
        usable = scheme in SCHEMES and bool(urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{shown}: expected s3://bucket/folder, gs://bucket/folder or sftp://user@host/folder.")
    try:
        if scheme == "sftp":
            from rushes.storage.sftp import SFTPStorage

            return SFTPStorage(url, connect)
        if scheme == "gs":
            from rushes.storage.gcs import GCSStorage

            return GCSStorage(url)
        from rushes.storage.s3 import S3Storage

        return S3Storage(url)
    except ImportError as error:
        raise DependencyError(
            f"{shown}: {error.name} is not installed. Install the extra `storage` of rushes: pip install '.[storage]'."
        ) from None
