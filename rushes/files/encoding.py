"""Files as text."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

__all__ = ["convert_file_to_base64"]


def convert_file_to_base64(file_path: str | Path) -> str:
    """Returns a file as a data URL (RFC 2397): `data:image/jpeg;base64,…`. A data URL is returned as it is.

    Raises:
        OSError: The file is missing or cannot be read.
    """
    if isinstance(file_path, str) and file_path.startswith("data:"):
        return file_path
    path = Path(file_path)
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{media_type};base64,{base64.b64encode(path.read_bytes()).decode()}"
