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
    ├── DatasetDiffersError         dataset_differs     exit 1
    ├── ExporterError               exporter            exit 1
    ├── StrictError                 strict              exit 1
    ├── AccountingError             accounting          exit 1
    ├── LedgerError                 ledger              exit 1
    ├── DependencyError             missing_dependency  exit 2
    ├── ClusterError                cluster             exit 1
    │   ├── ClusterUnreachableError cluster_unreachable exit 2
    │   ├── ClusterAccessError      cluster_access      exit 2
    │   ├── VersionMismatchError    version_mismatch    exit 2
    │   ├── UnknownResourceError    not_found           exit 2
    │   │   └── UnknownJobError     unknown_job         exit 2
    │   ├── DriverJobError          driver_job          exit 2
    │   ├── JobEndedError           job_ended           exit 1
    │   ├── JobFailedError          job_failed          exit 1
    │   ├── StreamTimeoutError      stream_timeout      exit 1
    │   └── StreamLimitError        stream_limit        exit 1
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
    │   ├── CredentialsError        credentials
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
    ├── NeedsClassError             needs_class         skipped
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

from rushes.errors.base import RushesError
from rushes.errors.cluster import (
    ClusterAccessError,
    ClusterError,
    ClusterUnreachableError,
    DriverJobError,
    JobEndedError,
    JobFailedError,
    StreamLimitError,
    StreamTimeoutError,
    UnknownJobError,
    UnknownResourceError,
    VersionMismatchError,
)
from rushes.errors.item import (
    AnnotationError,
    DuplicateRowError,
    NeedsClassError,
    NeedsFramesError,
    NeedsVideoError,
    NotIngestedError,
    RowError,
    SplitConflictError,
)
from rushes.errors.media import (
    ArchiveError,
    CorruptMediaError,
    FFmpegNotFoundError,
    MediaError,
    MediaLimitsError,
    NotMediaError,
    TranscodingFailedError,
    UnsupportedFormatError,
    VideoTranscodeError,
)
from rushes.errors.run import (
    AccountingError,
    ClassesError,
    ConfigError,
    DatasetDiffersError,
    DependencyError,
    ExporterError,
    LedgerError,
    OutputOccupiedError,
    RunFailedError,
    StrictError,
    WorkspaceBusyError,
)
from rushes.errors.transfer import (
    BadURLError,
    ChecksumMismatchError,
    ConnectionFailedError,
    CredentialsError,
    DiskFullError,
    DownloadError,
    ForbiddenHostError,
    HTTPStatusError,
    MissingChecksumError,
    RobotsError,
    RobotsUnreachableError,
    ServerBusyError,
    StorageAccessError,
    StorageError,
    TooLargeError,
    TransferTimeoutError,
    TruncatedError,
)

__all__ = [
    "AccountingError",
    "AnnotationError",
    "ArchiveError",
    "BadURLError",
    "ChecksumMismatchError",
    "ClassesError",
    "ClusterAccessError",
    "ClusterError",
    "ClusterUnreachableError",
    "ConfigError",
    "ConnectionFailedError",
    "CorruptMediaError",
    "CredentialsError",
    "DatasetDiffersError",
    "DependencyError",
    "DiskFullError",
    "DownloadError",
    "DriverJobError",
    "DuplicateRowError",
    "ExporterError",
    "FFmpegNotFoundError",
    "ForbiddenHostError",
    "HTTPStatusError",
    "JobEndedError",
    "JobFailedError",
    "LedgerError",
    "MediaError",
    "MediaLimitsError",
    "MissingChecksumError",
    "NeedsClassError",
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
    "StreamLimitError",
    "StreamTimeoutError",
    "StrictError",
    "TooLargeError",
    "TranscodingFailedError",
    "TransferTimeoutError",
    "TruncatedError",
    "UnknownJobError",
    "UnknownResourceError",
    "UnsupportedFormatError",
    "VersionMismatchError",
    "VideoTranscodeError",
    "WorkspaceBusyError",
]
