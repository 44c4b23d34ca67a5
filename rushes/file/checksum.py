"""`rushes.files.checksum`, in another spelling."""

from rushes.files.checksum import calculate_checksum, get_checksum_from_file

__all__ = ["calculate_checksum", "get_checksum_from_file"]
