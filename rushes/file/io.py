"""`rushes.files.io`, in another spelling."""

from rushes.files.io import get_dict_from_file, get_temp_path

__all__ = ["get_dict_from_file", "get_temp_path"]
