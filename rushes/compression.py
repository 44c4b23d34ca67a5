"""Compressed streams as files, in memory that no stream can raise."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, cast

__all__ = ["DAMAGED_STREAM", "OPENERS", "is_damage"]

_XZ_MEMORY_BYTES = 128 * 2**20  # `xz -9` asks for 65 MiB; a header can ask for 4 GiB
_BLOCK_BYTES = 1 << 16

DAMAGED_STREAM = (zlib.error, lzma.LZMAError, EOFError, OSError)
"""What reading a damaged stream raises; of the OSErrors those that `is_damage` tells."""


def is_damage(error: BaseException) -> bool:
    """Tells whether an error of `DAMAGED_STREAM` is the stream's fault, and not the disk's."""
    return not isinstance(error, OSError) or error.errno is None


class _Xz(io.RawIOBase):
    """An xz file, read forward; `lzma.open` lets the file say how much memory that takes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._stream = self._next()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of all buffers, this is what comes
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data.lstrip(b"\0") or self._file.read(_BLOCK_BYTES).lstrip(b"\0")
                if not rest:
                    return 0
                self._stream = self._next()
            else:
                rest = self._file.read(_BLOCK_BYTES) if self._stream.needs_input else b""
                if self._stream.needs_input and not rest:
                    raise EOFError("the stream ends before its end mark")
            if piece := self._stream.decompress(rest, len(buffer)):
                buffer[: len(piece)] = piece
                return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()

    @staticmethod
    def _next() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


def _open_xz(path: Path) -> IO[bytes]:
    return io.BufferedReader(_Xz(path), _BLOCK_BYTES)


def _open_gzip(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path))


def _open_bzip2(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", bz2.open(path))


OPENERS: Mapping[str, Callable[[Path], IO[bytes]]] = MappingProxyType(
    {".gz": _open_gzip, ".bz2": _open_bzip2, ".xz": _open_xz}
)
"""How to open a compressed file, by the suffix that its content asks for."""
