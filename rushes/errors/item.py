"""What is wrong with an item before anyone looks at its bytes, or keeps it out of a dataset afterwards."""

from __future__ import annotations

from rushes.errors.base import RushesError

__all__ = [
    "AnnotationError",
    "DuplicateRowError",
    "NeedsClassError",
    "NeedsFramesError",
    "NeedsVideoError",
    "NotIngestedError",
    "RowError",
    "SplitConflictError",
]


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


class NotIngestedError(RushesError):
    """An export met an item that no ingest has brought in."""

    code = "not_ingested"
    remedy = "Run `rushes ingest` or `rushes run` first."
    status = "skipped"


class NeedsClassError(RushesError):
    """An image without one class as a whole cannot stand in a dataset of folders of classes."""

    code = "needs_class"
    remedy = "Give it one, in the column `label`; or leave it out, or choose another `export.format`."
    status = "skipped"


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
