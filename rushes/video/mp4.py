"""What the order of an mp4's boxes says (ISO/IEC 14496-12, 4.2): whether a player can begin before it has all of it."""

from __future__ import annotations

import os
import struct
from pathlib import Path

__all__ = ["index_in_front"]


def index_in_front(path: Path) -> bool:
    """Tells whether an mp4 file has its whole index, the `moov` box, before its media; a fragmented one has not."""
    with path.open("rb") as file:
        while len(head := file.read(16)) >= 8:
            size_bytes, kind = struct.unpack(">I4s", head[:8])
            if kind in (b"moov", b"mdat", b"moof"):
                return kind == b"moov" and b"mvex" not in file.read(min(size_bytes, 1 << 20))
            if size_bytes == 1 and len(head) == 16:  # the length follows as 64 bits
                size_bytes = struct.unpack(">Q", head[8:])[0]
            if size_bytes < 8:  # to the end of the file, or nonsense
                return False
            file.seek(size_bytes - len(head), os.SEEK_CUR)
    return False
