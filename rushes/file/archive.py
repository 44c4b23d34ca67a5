"""`rushes.files.archive`, in another spelling."""

from rushes.files.archive import archive, unarchive

__all__ = ["archive", "unarchive"]
