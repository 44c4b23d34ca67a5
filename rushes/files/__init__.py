"""Files: fetching, hashing, packing, encoding and reading them.

What needs the network is imported when it is first used, so that the rest starts at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rushes.files.archive import archive, unarchive
from rushes.files.checksum import calculate_checksum, get_checksum_from_file
from rushes.files.chunking import read_file_in_chunks
from rushes.files.encoding import convert_file_to_base64
from rushes.files.io import get_dict_from_file, get_temp_path

if TYPE_CHECKING:
    from rushes.files.download import adownload_file, afiles_url_to_path, download_file, files_url_to_path

__all__ = [
    "adownload_file",
    "afiles_url_to_path",
    "archive",
    "calculate_checksum",
    "convert_file_to_base64",
    "download_file",
    "files_url_to_path",
    "get_checksum_from_file",
    "get_dict_from_file",
    "get_temp_path",
    "read_file_in_chunks",
    "unarchive",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rushes.files import download

    return getattr(download, name)
