"""Where a transfer that was cut short goes on: a note beside each part file says what it is part of.

The rest is asked for with `Range` and `If-Range` (RFC 9110, 13.1.5 and 14.2), so that a server whose content changed
sends all of it. That holds for validators only that change with every byte: a strong entity tag, or a time of change
that was a while ago when the server told it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from rushes.errors import DownloadError
from rushes.jsonl import encode
from rushes.transfer.urls import identity

__all__ = [
    "EARLY_BYTES",
    "KEPT_S",
    "Note",
    "Rest",
    "continues",
    "discard",
    "forget",
    "headers_of",
    "kept",
    "note_path",
    "noting",
    "range_headers",
    "sweep",
]

KEPT_S = 7 * 24 * 3600.0
"""How long a part file waits for somebody to go on with it, in seconds."""

EARLY_BYTES = 1 << 20
"""After how much of a transfer its note is written, in case the process is killed; a failure writes it anyway.

Most items are smaller, and a note would cost them more than it saves.
"""

_STRONG_TAG = re.compile(r'"[^"]*"')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
# A file may change twice in the second that Last-Modified names, and two servers' clocks differ by some (RFC 9110,
# 8.8.2.2).
_SETTLED_S = 60.0


class Note(msgspec.Struct, frozen=True):
    """What a part file is part of, as the server told it.

    Attributes:
        source: sha256 of the URL's identity; the URL itself may carry credentials.
        total_bytes: Length of the whole.
        boot: Which boot of which machine wrote the part: after a power cut its last blocks may not be what was written.
        headers: Validators and content type.
    """

    source: str
    total_bytes: int
    boot: str
    headers: dict[str, str]


class Rest(NamedTuple):
    """What is missing of a part file: all from `start_bytes` on."""

    note: Note
    start_bytes: int


def note_path(part: Path) -> Path:
    """Returns where the note of a part file stands."""
    return part.with_name(f"{part.name}.json")


def headers_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns those headers that describe the content, under these names: ETag, Last-Modified, Content-Type."""
    return {name: headers[name] for name in ("ETag", "Last-Modified", "Content-Type") if headers.get(name)}


def noting(
    chunks: Iterator[bytes], part: Path, url: str, headers: Mapping[str, str], total_bytes: int | None
) -> Iterator[bytes]:
    """Passes chunks on to a new part file, and notes what it is part of where that is worth it.

    Args:
        chunks: The content.
        part: The part file; no note stands beside it.
        url: The item's URL.
        headers: Of the server's answer.
        total_bytes: Length that it announces, if it does.

    Raises:
        OSError: The note cannot be written.
        DownloadError: What `chunks` raises.
    """
    size_bytes, noted = 0, not total_bytes
    try:
        for chunk in chunks:
            yield chunk
            size_bytes += len(chunk)
            if not noted and size_bytes > EARLY_BYTES:
                noted = _note(part, url, headers, total_bytes or 0)
    except DownloadError:
        if not noted:
            _note(part, url, headers, total_bytes or 0)
        raise


def kept(part: Path, url: str) -> Rest | None:
    """Returns what is missing of a part file that an earlier attempt or an earlier run left, if it can be had.

    What cannot be gone on with is removed. Of a part that is whole, the last byte is asked for again: with it the
    server says that the content is the same.
    """
    try:
        written = note_path(part).read_bytes()
    except OSError:  # most often, there is none
        return None
    try:
        note, size_bytes = msgspec.json.decode(written, type=Note), part.stat().st_size
    except (OSError, msgspec.DecodeError):
        discard(part)
        return None
    if note.source != _fingerprint(url) or note.boot != _boot() or not 0 < size_bytes <= note.total_bytes:
        discard(part)
        return None
    return Rest(note, min(size_bytes, note.total_bytes - 1))


def range_headers(rest: Rest) -> dict[str, str]:
    """Returns the headers that ask for the rest, or for all of it where it changed."""
    return {"Range": f"bytes={rest.start_bytes}-", "If-Range": rest.note.headers[_validator(rest.note.headers)]}


def continues(rest: Rest, headers: Mapping[str, str]) -> bool:
    """Tells whether a 206 answer is the rest that was asked for."""
    found = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    fits = found is not None and (int(found[1]), int(found[3])) == (rest.start_bytes, rest.note.total_bytes)
    name = _validator(rest.note.headers)
    same = headers.get(name, rest.note.headers[name]) == rest.note.headers[name]
    return fits and same and not headers.get("Content-Encoding")


def forget(part: Path) -> None:
    """Removes a part file's note, before other content takes the part's place or when it goes to its own.

    Raises:
        OSError: It is there and cannot be removed.
    """
    note_path(part).unlink(missing_ok=True)


def discard(part: Path) -> None:
    """Removes a part file and its note, whichever of them is there."""
    for path in (note_path(part), part):
        with suppress(OSError):  # what cannot be removed is met again, and told, by who writes next
            path.unlink()


def sweep(folder: Path) -> None:
    """Removes from a folder of part files all that cannot be gone on with: without a note, or older than `KEPT_S`."""
    now_s = time.time()
    parts = {part for note in folder.glob("*.json") if (part := note.with_suffix("")).is_file()}
    young = {part for part in parts if now_s - part.stat().st_mtime < KEPT_S}
    good = young | {note_path(part) for part in young}
    for path in folder.glob("*"):
        if path not in good:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def _note(part: Path, url: str, headers: Mapping[str, str], total_bytes: int) -> bool:
    """Writes the note where it is of use, and returns that this is done."""
    if not _divisible(headers):
        return True
    note = Note(_fingerprint(url), total_bytes, _boot(), headers_of(headers))
    # Neither fsynced nor renamed: it is believed in this boot only, and a torn one is none.
    note_path(part).write_bytes(encode(note))
    return True


def _validator(headers: Mapping[str, str]) -> str:
    return "ETag" if "ETag" in headers else "Last-Modified"


def _divisible(headers: Mapping[str, str]) -> bool:
    """Tells whether a part of an answer can be told from a part of another one, and the rest be asked for."""
    etag = headers.get("ETag")
    strong = _STRONG_TAG.fullmatch(etag) is not None if etag else _settled(headers)
    return strong and headers.get("Accept-Ranges", "").lower() != "none" and not headers.get("Content-Encoding")


def _settled(headers: Mapping[str, str]) -> bool:
    try:
        changed, told = (parsedate_to_datetime(headers.get(name, "")) for name in ("Last-Modified", "Date"))
        return told.timestamp() - changed.timestamp() >= _SETTLED_S
    except ValueError:
        return False


def _fingerprint(url: str) -> str:
    return hashlib.sha256(identity(url).encode(errors="surrogatepass")).hexdigest()


@functools.cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return ""
