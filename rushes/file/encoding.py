"""`rushes.files.encoding`, in another spelling."""

from rushes.files.encoding import convert_file_to_base64

__all__ = ["convert_file_to_base64"]
