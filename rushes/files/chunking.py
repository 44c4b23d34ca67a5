"""Reading files of any size with bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["read_file_in_chunks"]


def read_file_in_chunks(file_path: str | Path, chunk_size: int = 50 * 2**20) -> Iterator[bytes]:
    """Yields a file's content in pieces of `chunk_size` bytes, 50 MiB by default; the last one may be shorter.

    Raises:
        ValueError: `chunk_size` is not positive.
        OSError: The file is missing or cannot be read.
    """
    if chunk_size <= 0:
        raise ValueError(f"chunk_size = {chunk_size}: expected a positive number of bytes.")
    with Path(file_path).open("rb") as file:
        while chunk := file.read(chunk_size):
            yield chunk
