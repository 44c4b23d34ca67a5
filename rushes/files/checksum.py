"""Checksums: of files, of what arrived, and the store that is built on them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rushes.errors import ChecksumMismatchError, RushesError
from rushes.files.settle import settle, settle_all
from rushes.records import Download, Verified
from rushes.sniff import sniff
from rushes.transfer.part import CHUNK_BYTES, storage_error
from rushes.transfer.urls import redact
from rushes.workspace import Workspace, stored

__all__ = [
    "calculate_checksum",
    "compare",
    "get_checksum_from_file",
    "parse_checksum",
    "quarantine",
    "verify",
    "verify_all",
]

_HEX_DIGITS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}


def calculate_checksum(file_path: str | Path, prefix: str = "", *, algorithm: str = "md5") -> str:
    """Returns the hex digest of a file.

    Args:
        file_path: The file.
        prefix: Where given, stands before the digest with a dash.
        algorithm: Any of `hashlib`'s with a digest of fixed length.

    Raises:
        OSError: The file cannot be read.
        ValueError: `hashlib` does not know the algorithm.
    """
    with Path(file_path).open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    return f"{prefix}-{digest}" if prefix else digest


def get_checksum_from_file(file: IO[Any], digest_mod: Callable[[], Any] = hashlib.sha1) -> str:
    """Returns the hex digest of a file object, binary or text (as UTF-8), from its beginning.

    The object is left at the place where it was. One that cannot seek is read from where it stands.

    Args:
        file: Anything with `read(size)`.
        digest_mod: Constructor of a hash, as in `hashlib`.
    """
    seekable = hasattr(file, "seek") and (not hasattr(file, "seekable") or file.seekable())
    place = file.tell() if seekable else None
    if seekable:
        file.seek(0)
    digest = digest_mod()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk.encode() if isinstance(chunk, str) else chunk)
    if place is not None:
        file.seek(place)
    return str(digest.hexdigest())


def parse_checksum(text: str) -> str:
    """Returns a checksum as `algorithm:hex` in lower case.

    Args:
        text: That, or bare hex whose length names md5, sha1, sha256 or sha512.

    Raises:
        ValueError: It is neither; the text says what was expected.
    """
    algorithm, colon, digest = text.strip().lower().rpartition(":")
    algorithm = algorithm.replace("sha-", "sha")
    if not colon:
        algorithm = next((name for name, digits in _HEX_DIGITS.items() if digits == len(digest)), "")
    if _HEX_DIGITS.get(algorithm) != len(digest) or not re.fullmatch(r"[0-9a-f]+", digest):
        raise ValueError(
            "expected sha256: and 64 hex digits, or the same of md5 (32), sha1 (40) or sha512 (128), or bare hex"
        )
    return f"{algorithm}:{digest}"


def compare(digests: Mapping[str, str], checksum: str | None, what: str) -> None:
    """Compares digests with an expected checksum, where there is one.

    Raises:
        ChecksumMismatchError: They differ.
    """
    algorithm, _, expected = (checksum or "").partition(":")
    if checksum and digests[algorithm] != expected:
        raise ChecksumMismatchError(
            f"{what}: expected {algorithm}:{expected}, got {algorithm}:{digests[algorithm]}. "
            "The file changed at its source, or the checksum is wrong: correct one of them."
        )


def verify(download: Download, workspace: Workspace) -> Verified:
    """Compares what arrived with what was promised, and publishes it in the store; equal bytes stand there once.

    The same download again gives the same, also where a crash came between the move and the ledger's line.

    Raises:
        ChecksumMismatchError: The digests differ; the part file stays where it is.
        StorageError: The part file cannot be read, or the store cannot be written.
    """
    outcome = verify_all([download], workspace)[0]
    if isinstance(outcome, RushesError):
        raise outcome
    return outcome


def verify_all(downloads: Sequence[Download], workspace: Workspace) -> list[Verified | RushesError]:
    """Does what `verify` does for many downloads, which wait for the disk together.

    Returns:
        What became of each, in order. What is verified stands in the store for good, so that a ledger may say so.
    """
    outcomes = [_compared(download, workspace) for download in downloads]
    moves = {
        number: (workspace.path(download.path), workspace.path(outcome.path))
        for number, (download, outcome) in enumerate(zip(downloads, outcomes, strict=True))
        if isinstance(outcome, Verified)
    }
    for (number, (_, target)), error in zip(moves.items(), settle_all(list(moves.values())), strict=True):
        if error is not None:
            outcomes[number] = storage_error(error, target)
    return outcomes


def quarantine(download: Download, workspace: Workspace) -> str:
    """Moves what arrived to where nothing uses it, and returns its path in the workspace.

    Raises:
        StorageError: It cannot be moved.
    """
    path = stored("quarantine", download.digests["sha256"], ".bin")
    settle(workspace.path(download.path), workspace.path(path))
    return path


def _compared(download: Download, workspace: Workspace) -> Verified | RushesError:
    source, sha256 = download.source, download.digests["sha256"]
    try:
        compare(download.digests, source.checksum, redact(source.url))
        part = workspace.path(download.path)
        path = _moved_before(part, sha256, workspace) or stored("media", sha256, sniff(part).suffix)
    except RushesError as error:
        return error
    return Verified(
        source,
        path,
        sha256,
        download.size_bytes,
        download.etag,
        download.last_modified,
        download.attempts,
        download.robots,
    )


def _moved_before(part: Path, sha256: str, workspace: Workspace) -> str | None:
    """Returns where an earlier try published the part, if it crashed before it could say so."""
    if part.exists():
        return None
    found = sorted(workspace.path(stored("media", sha256, "")).parent.glob(f"{sha256}.*"))
    return found[0].relative_to(workspace.root).as_posix() if found else None
