"""`rushes.files.chunking`, in another spelling."""

from rushes.files.chunking import read_file_in_chunks

__all__ = ["read_file_in_chunks"]
