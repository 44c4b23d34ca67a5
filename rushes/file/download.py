"""`rushes.files.download`, in another spelling."""

from rushes.files.download import adownload_file, afiles_url_to_path, download_file, files_url_to_path

__all__ = ["adownload_file", "afiles_url_to_path", "download_file", "files_url_to_path"]
