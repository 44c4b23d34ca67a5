"""Every failure that a user can cause or meet.

Each class carries a stable `code`, which is what the manifest, `--json` and Prefect's tables show, and two facts
about it: `transient` (another try may help) and `status`, which is how an item ends that it stops: failed, skipped, or
quarantined (bytes arrived, and are kept apart as not trusted). What each code means is the first sentence of its class,
and what to do about it is the class's `remedy`.

    RushesError
    ├── ConfigError                 bad_config          exit 2
    │   └── ClassesError            classes             exit 2
    ├── WorkspaceBusyError          workspace_busy      exit 1
    ├── OutputOccupiedError         output_occupied     exit 2
    ├── RunFailedError              run_failed          exit 1
    ├── ExporterError               exporter            exit 1
    ├── StrictError                 strict              exit 1
    ├── AccountingError             accounting          exit 1
    ├── LedgerError                 ledger              exit 1
    ├── DependencyError             missing_dependency  exit 2
    ├── RowError                    bad_row
    │   └── AnnotationError         bad_annotation
    ├── DuplicateRowError           duplicate_row       skipped
    ├── SplitConflictError          split_conflict      skipped
    ├── DownloadError
    │   ├── HTTPStatusError         http_status
    │   │   └── ServerBusyError     http_status
    │   ├── ConnectionFailedError   connection
    │   ├── TransferTimeoutError    timeout
    │   ├── TooLargeError           too_large
    │   ├── TruncatedError          truncated
    │   ├── ForbiddenHostError      forbidden_host
    │   ├── RobotsError             robots              skipped
    │   ├── RobotsUnreachableError  robots_unreachable
    │   └── BadURLError             bad_url
    ├── ChecksumMismatchError       checksum_mismatch   quarantined
    ├── MissingChecksumError        missing_checksum
    ├── StorageError                storage
    │   ├── StorageAccessError      storage_access
    │   └── DiskFullError           disk_full
    ├── MediaError
    │   ├── NotMediaError           not_media           quarantined
    │   ├── CorruptMediaError       corrupt_media       quarantined
    │   └── MediaLimitsError        media_limits
    ├── NeedsFramesError            needs_frames        skipped
    ├── NeedsVideoError             needs_video         skipped
    ├── NotIngestedError            not_ingested        skipped
    ├── ArchiveError                archive             quarantined
    └── VideoTranscodeError         transcode_failed
        ├── UnsupportedFormatError  unsupported_format  quarantined
        ├── FFmpegNotFoundError     ffmpeg_not_found
        └── TranscodingFailedError  transcode_failed

Messages say what, where, expected, actual, and what to do next. Arguments travel through `super().__init__`, so every
error survives a trip between processes.
"""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = [
    "AccountingError",
    "AnnotationError",
    "ArchiveError",
    "BadURLError",
    "ChecksumMismatchError",
    "ClassesError",
    "ConfigError",
    "ConnectionFailedError",
    "CorruptMediaError",
    "DependencyError",
    "DiskFullError",
    "DownloadError",
    "DuplicateRowError",
    "ExporterError",
    "FFmpegNotFoundError",
    "ForbiddenHostError",
    "HTTPStatusError",
    "LedgerError",
    "MediaError",
    "MediaLimitsError",
    "MissingChecksumError",
    "NeedsFramesError",
    "NeedsVideoError",
    "NotIngestedError",
    "NotMediaError",
    "OutputOccupiedError",
    "RobotsError",
    "RobotsUnreachableError",
    "RowError",
    "RunFailedError",
    "RushesError",
    "ServerBusyError",
    "SplitConflictError",
    "StorageAccessError",
    "StorageError",
    "StrictError",
    "TooLargeError",
    "TranscodingFailedError",
    "TransferTimeoutError",
    "TruncatedError",
    "UnsupportedFormatError",
    "VideoTranscodeError",
    "WorkspaceBusyError",
]


class RushesError(Exception):
    """A failure that rushes understands; its text is one complete message for the user.

    Attributes:
        attempts: Requests or runs it took, where something was tried more than once.
    """

    code: ClassVar[str] = "error"
    remedy: ClassVar[str] = ""
    transient: ClassVar[bool] = False
    status: ClassVar[Literal["failed", "skipped", "quarantined"]] = "failed"
    exit_code: ClassVar[int] = 1
    attempts: int = 1


class ConfigError(RushesError):
    """The pipeline file, an option or an argument cannot be used."""

    code = "bad_config"
    remedy = "The message names file, key, value and what was expected."
    exit_code = 2


class ClassesError(ConfigError):
    """The classes of the dataset are not those that the pipeline, or the dataset before it, lets it have."""

    code = "classes"
    remedy = "The message lists them, and says what to set."


class WorkspaceBusyError(RushesError):
    """Another run holds the workspace."""

    code = "workspace_busy"
    remedy = "Wait for it, or use another `workspace`."


class OutputOccupiedError(RushesError):
    """The output folder holds something that rushes did not write."""

    code = "output_occupied"
    remedy = "Move it away, or choose another `output`."
    exit_code = 2


class RunFailedError(RushesError):
    """The run ended, and too many of its items or any of its batches failed."""

    code = "run_failed"
    remedy = "Read `failures.jsonl`; run again to try only what failed."


class ExporterError(RushesError):
    """An exporter's own code broke, or gathers what cannot be put together over batches."""

    code = "exporter"
    remedy = "The message names class, item, file and line."


class StrictError(RushesError):
    """`export.strict` is on, and the dataset would not say all that the labels say."""

    code = "strict"
    remedy = (
        "The message names the first items, labels and reasons, and counts all. Mend them, drop their classes, or "
        "choose another format."
    )


class AccountingError(RushesError):
    """The planned items and the ended items do not add up: a defect of rushes, never of the data."""

    code = "accounting"
    remedy = "Report it. The old dataset is untouched."


class LedgerError(RushesError):
    """A ledger, plan or tally file cannot be read back."""

    code = "ledger"
    remedy = "Remove the file that the message names, and run again."


class DependencyError(RushesError):
    """An optional part that this command needs is not installed."""

    code = "missing_dependency"
    remedy = "Install what the message names."
    exit_code = 2


class RowError(RushesError):
    """A row of the source file cannot be understood."""

    code = "bad_row"
    remedy = "Correct the row that the message names."


class AnnotationError(RowError):
    """A row's labels cannot be understood, or do not fit the media."""

    code = "bad_annotation"
    remedy = "Correct the labels; coordinates are upright pixels of the source."


class DuplicateRowError(RushesError):
    """The same row stands in the source twice: the first counts, the others are skipped."""

    code = "duplicate_row"
    remedy = "Remove one, or give them different ids."
    status = "skipped"


class SplitConflictError(RushesError):
    """An item stands in one split, and one of its group or of the same bytes in another: one split keeps them."""

    code = "split_conflict"
    remedy = "Give both one split, or one group."
    status = "skipped"


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


class MediaError(RushesError):
    """The bytes are not media that a dataset can hold."""

    code = "media"
    remedy = "Follow the message."


class NotMediaError(MediaError):
    """The content is no image and no video, whatever its name says."""

    code = "not_media"
    remedy = "Look at the bytes: often an error page or a login page."
    status = "quarantined"


class CorruptMediaError(MediaError):
    """It is media, and it is damaged."""

    code = "corrupt_media"
    remedy = "Get the file anew from where it came from."
    status = "quarantined"


class MediaLimitsError(MediaError):
    """It asks for more pixels, time, memory or space than rushes gives one item."""

    code = "media_limits"
    remedy = "If it is meant, raise the key, or make the picture smaller; else leave it out."


class NeedsFramesError(RushesError):
    """A video cannot stand in an image format unless `frames` says which of its frames to take."""

    code = "needs_frames"
    remedy = "Say in `frames` which of its frames to take."
    status = "skipped"


class NeedsVideoError(RushesError):
    """An image cannot stand in a format that holds videos."""

    code = "needs_video"
    remedy = "Leave it out, or choose another `export.format`."
    status = "skipped"


class NotIngestedError(RushesError):
    """An export met an item that no ingest has brought in."""

    code = "not_ingested"
    remedy = "Run `rushes ingest` or `rushes run` first."
    status = "skipped"


class ArchiveError(RushesError):
    """An archive is unsafe, damaged, or larger than its limits."""

    code = "archive"
    remedy = (
        "Read what the message names. If the size is meant, raise `download.unpack`; else do not trust it, and get "
        "it anew."
    )
    status = "quarantined"


class VideoTranscodeError(RushesError):
    """Probing or transcoding a video failed."""

    code = "transcode_failed"
    remedy = "Read ffmpeg's words in the message; try the item by hand with the same fields."


class UnsupportedFormatError(VideoTranscodeError):
    """The container or the codec is one that rushes, or the ffmpeg at hand, does not take."""

    code = "unsupported_format"
    remedy = "Convert it first, or install an ffmpeg that decodes it."
    status = "quarantined"


class FFmpegNotFoundError(VideoTranscodeError):
    """Neither PATH nor the project's own dependencies bring ffmpeg and ffprobe."""

    code = "ffmpeg_not_found"
    remedy = "Install ffmpeg, or `rushes[ffmpeg]`; or set `RUSHES_FFMPEG` and `RUSHES_FFPROBE`."
    exit_code = 2


class TranscodingFailedError(VideoTranscodeError):
    """ffmpeg failed, or its output did not pass the check that follows."""

    code = "transcode_failed"
    transient = True
