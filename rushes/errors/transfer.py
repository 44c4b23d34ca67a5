"""What goes wrong between a server, or a storage, and the disk."""

from __future__ import annotations

from rushes.errors.base import RushesError

__all__ = [
    "BadURLError",
    "ChecksumMismatchError",
    "ConnectionFailedError",
    "CredentialsError",
    "DiskFullError",
    "DownloadError",
    "ForbiddenHostError",
    "HTTPStatusError",
    "MissingChecksumError",
    "RobotsError",
    "RobotsUnreachableError",
    "ServerBusyError",
    "StorageAccessError",
    "StorageError",
    "TooLargeError",
    "TransferTimeoutError",
    "TruncatedError",
]


class DownloadError(RushesError):
    """Getting an item's bytes failed."""

    code = "download"
    remedy = "Follow the message."


class HTTPStatusError(DownloadError):
    """The server answered with a status that brings no content.

    Args:
        message: The whole message.
        http_status: The status code of the answer.
        retry_after_s: What the server's Retry-After asks to wait, in seconds, where it said so.
    """

    code = "http_status"
    remedy = (
        "404, 410: the item is gone. 401, 403: credentials. 429, 5xx: run again later, with a lower "
        "`download.per_host`."
    )

    def __init__(self, message: str, http_status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message, http_status, retry_after_s)
        self.http_status = http_status
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return str(self.args[0])


class ServerBusyError(HTTPStatusError):
    """The server answered that another try may help: 408, 425, 429 or 5xx."""

    transient = True


class ConnectionFailedError(DownloadError):
    """No connection, no name, no TLS, or the connection was lost."""

    code = "connection"
    remedy = "Run again; if it stays, check the name and the network."
    transient = True


class TransferTimeoutError(DownloadError):
    """Connecting, reading or the whole transfer took longer than allowed."""

    code = "timeout"
    remedy = "Raise `download.timeout_s` or lower `download.min_bytes_per_s`; or lower `download.concurrency`."
    transient = True


class TooLargeError(DownloadError):
    """The content is larger than `download.max_bytes` allows."""

    code = "too_large"
    remedy = "Raise the limit, or leave the item out."


class TruncatedError(DownloadError):
    """Fewer bytes arrived than the server announced."""

    code = "truncated"
    remedy = "Run again."
    transient = True


class ForbiddenHostError(DownloadError):
    """The guard refused the address: private, loopback, link-local or otherwise not public."""

    code = "forbidden_host"
    remedy = "If it is meant, name it in `download.allow_private_hosts`."


class RobotsError(DownloadError):
    """The host asks robots, or this one, to leave the content alone, and `download.robots` is respect."""

    code = "robots"
    remedy = "Leave it out, or ask the host; if the host is yours, `ignore`."
    status = "skipped"


class RobotsUnreachableError(DownloadError):
    """The host's robots.txt cannot be fetched, so nobody knows what it allows, and `download.robots` is respect."""

    code = "robots_unreachable"
    remedy = "Run again when the host answers."


class CredentialsError(DownloadError):
    """A dataset is rebuilt, and the URL of an item had a secret in it, which no dataset keeps."""

    code = "credentials"
    remedy = "Make the item public, or reachable by a storage's own URL; or leave it out."


class BadURLError(DownloadError):
    """The URL cannot be used: no host, an unknown scheme, a malformed redirect."""

    code = "bad_url"
    remedy = "Correct the URL."


class ChecksumMismatchError(RushesError):
    """The bytes are not the ones that the source promised."""

    code = "checksum_mismatch"
    remedy = "Find out which is right, and correct the row or the file."
    status = "quarantined"


class MissingChecksumError(RushesError):
    """`download.require_checksum` is on and the row has none."""

    code = "missing_checksum"
    remedy = "Add the checksum, or turn the option off."


class StorageError(RushesError):
    """The workspace or the output cannot be read or written."""

    code = "storage"
    remedy = "Check permissions, mounts and quotas; tried again by itself."
    transient = True


class StorageAccessError(StorageError):
    """A storage refuses: no credentials, wrong ones, or ones that may not do this."""

    code = "storage_access"
    remedy = "Set them in the environment of every worker, and run again."
    transient = False


class DiskFullError(StorageError):
    """No space is left where the bytes should go."""

    code = "disk_full"
    remedy = "Free space and run again: what is done is kept."
    transient = False
