"""`<output>.mhl`: a media hash list of the dataset (ASC MHL 2.0), as film and television check copies of media.

It is a packing list: one file, beside the folder that it lists. So it may say when it was made, as the format asks and
no file of a dataset does; and a dataset is replaced whole, with no history in it that grows. The format knows no
sha256, so every file is read once more.
"""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from xml.sax.saxutils import escape

from rushes import __version__
from rushes.config import Pipeline
from rushes.errors import ExporterError, OutputOccupiedError
from rushes.jsonl import atomic_write
from rushes.summary.packages.beside import beside, listed_files, need_folder

__all__ = ["check_mhl", "write_mhl"]

_NAMESPACE = "urn:ASC:MHL:v2.0"
_WORKERS = 4
_AT_A_TIME = 1000
_HEAD_BYTES = 500
_SAYABLE = re.compile("[^\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]+")


def check_mhl(pipeline: Pipeline) -> None:
    """Refuses a list whose place holds something else.

    Raises:
        ConfigError: The output is in a storage.
        OutputOccupiedError: It holds something that is no media hash list.
    """
    if not pipeline.export.mhl:
        return
    need_folder(pipeline, "mhl")
    place = beside(pipeline, "mhl")
    if place.exists() and not (place.is_file() and _NAMESPACE.encode() in place.read_bytes()[:_HEAD_BYTES]):
        raise OutputOccupiedError(
            f"{place}: holds something that is no media hash list; expected nothing, or an earlier list. Move it away, "
            "or set `export.mhl: false`."
        )


def write_mhl(pipeline: Pipeline) -> None:
    """Lists the dataset that stands at the output."""
    output = Path(pipeline.output_place)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with atomic_write(beside(pipeline, "mhl")) as file:
        file.writelines(text.encode() for text in _document(output, now))


def _document(output: Path, now: str) -> Iterator[str]:
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="2.0" xmlns="{_NAMESPACE}">\n'
        f"  <creatorinfo>\n    <creationdate>{now}</creationdate>\n"
        f"    <hostname>{escape(socket.gethostname())}</hostname>\n"
        f'    <tool version="{__version__}">rushes</tool>\n  </creatorinfo>\n'
        "  <processinfo>\n    <process>flatten</process>\n  </processinfo>\n  <hashes>\n"
    )
    for path, size_bytes, digest in _hashed(output):
        yield (
            f'    <hash>\n      <path size="{size_bytes}">{_text(path)}</path>\n'
            f'      <sha1 action="original" hashdate="{now}">{digest}</sha1>\n    </hash>\n'
        )
    yield "  </hashes>\n</hashlist>\n"


def _hashed(output: Path) -> Iterator[tuple[str, int, str]]:
    """Yields path, size and sha1 of all files, of which several are read at a time."""
    paths = (path for path, _ in listed_files(output))
    with ThreadPoolExecutor(_WORKERS) as pool:
        while some := [*islice(paths, _AT_A_TIME)]:
            digests = pool.map(_sha1, (output / path for path in some))
            for path, digest in zip(some, digests, strict=True):
                yield path, (output / path).stat().st_size, digest


def _sha1(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.sha1(usedforsecurity=False)).hexdigest()


def _text(path: str) -> str:
    """Returns a path as XML.

    Raises:
        ExporterError: XML has no way to say it.
    """
    if not _SAYABLE.fullmatch(path):
        raise ExporterError(
            f"{path!r}: no name that a media hash list can hold, because it has control characters. The dataset is in "
            "its place. Give the file another name, or set `export.mhl: false`."
        )
    return escape(path)
