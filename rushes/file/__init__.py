"""`rushes.files` and `rushes.video` in another spelling, for code that was written with it: nothing but names."""

from rushes.file.archive import archive, unarchive
from rushes.file.checksum import calculate_checksum, get_checksum_from_file
from rushes.file.chunking import read_file_in_chunks
from rushes.file.download import adownload_file, afiles_url_to_path, download_file, files_url_to_path
from rushes.file.encoding import convert_file_to_base64
from rushes.file.io import get_dict_from_file, get_temp_path

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
