"""The step from a verified archive to verified members: all of it is read and checked, and only then is any published.

Members stand in the store beside what came in by itself, under their sha256 and never under their names, so no name can
lead anywhere. What is read waits in `incoming/`; of an archive that is refused, nothing else was written.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path, PurePosixPath

from rushes.config import Unpack
from rushes.errors import ArchiveError, NotMediaError
from rushes.files.limits import Limits, Meter, shown
from rushes.files.settle import settle_all
from rushes.files.tars import read_tar
from rushes.files.zips import opened_zip, zip_chunks
from rushes.jsonl import encode, publish, read_lines
from rushes.records import Member, Unpacked, Verified
from rushes.sniff import ARCHIVE_SUFFIXES, sniff
from rushes.transfer.part import check_space, storage_error
from rushes.workspace import Workspace, stored

__all__ = ["is_archive", "is_whole", "rules_of", "unpack"]

_RULES_VERSION = 1
"""Raised whenever the same archive would give other members."""

_SETTLED_AT_A_TIME = 1024
_DOCUMENTS = frozenset({"[Content_Types].xml", "META-INF/MANIFEST.MF", "AndroidManifest.xml"})
_SYSTEM_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
# Not lzma: how much memory it takes is for its header to say.
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})


def is_archive(verified: Verified) -> bool:
    """Tells whether a verified file is to be unpacked: an archive, and not itself out of one.

    The suffix tells that its content gave it in the store.
    """
    return verified.source.parent is None and verified.path.endswith(ARCHIVE_SUFFIXES)


def is_whole(unpacked: Unpacked, workspace: Workspace) -> bool:
    """Tells whether the list of an archive's members and all of them are still there."""
    if not workspace.holds(unpacked.path, unpacked.size_bytes):
        return False
    workspace.need(unpacked.path)
    listed = read_lines(workspace.path(unpacked.path), Member)
    return all(workspace.holds(member.path, member.size_bytes) for member in listed)


def rules_of(config: Unpack | None) -> str:
    """Returns the name of what comes out of archives: 12 hex digits over the limits and the version of the rules."""
    settings = {"version": _RULES_VERSION, "unpack": config.model_dump(mode="json") if config else None}
    return hashlib.sha256(encode(settings)).hexdigest()[:12]


def unpack(verified: Verified, workspace: Workspace, config: Unpack | None) -> Unpacked:
    """Publishes the files of an archive in the store, and a list of them under `unpacked/<rules>/`.

    Left out are folders, links that stay inside, and what systems leave behind (`__MACOSX/`, `._*`, `.DS_Store`,
    `Thumbs.db`, `desktop.ini`).

    Args:
        verified: The archive.
        workspace: Where it stands, and its members will.
        config: What it may come to; None unpacks nothing.

    Raises:
        NotMediaError: It is a document or a program that is packed as a zip, or nothing is to be unpacked.
        ArchiveError: It is unsafe, damaged, over a limit, or holds no file.
        DiskFullError: There is no space for its members.
        StorageError: The workspace cannot be read or written.
    """
    name = PurePosixPath(verified.path).name
    if config is None:
        raise NotMediaError(f"{name}: an archive, and download.unpack is null. Set it, or leave the item out.")
    path, limits = workspace.path(verified.path), Limits(config.max_files, config.max_bytes, config.max_ratio)
    left_out: Counter[str] = Counter()
    with _staging(workspace, verified) as folder:
        check_space(folder / "0", verified.size_bytes, name)
        files = (_zip_files if path.suffix == ".zip" else read_tar)(path, name, limits)
        members, unpacked_bytes = _stage(_wanted(files, left_out), folder)
        if not members:
            raise ArchiveError(f"{name}: an archive without a single file. Look at what packs it.")
        listing = stored(f"unpacked/{rules_of(config)}", verified.sha256, ".jsonl")
        _publish(folder, workspace)
        publish(_list_of(folder), workspace.path(listing))
    size_bytes = workspace.path(listing).stat().st_size
    return Unpacked(verified, listing, size_bytes, members, unpacked_bytes, dict(sorted(left_out.items())))


@contextmanager
def _staging(workspace: Workspace, verified: Verified) -> Iterator[Path]:
    """Gives a folder on the store's disk that goes when the block ends; a killed run's goes when the next one plans."""
    folder = workspace.incoming / f"{verified.sha256}.{secrets.token_hex(4)}.unpack"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as error:
        raise storage_error(error, folder) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _zip_files(path: Path, name: str, limits: Limits) -> Iterator[tuple[str, Iterator[bytes] | None]]:
    with opened_zip(path, name, limits) as (packed, entries):
        _check_purpose(entries, name)
        meter = Meter(name, path.stat().st_size, limits)
        for entry in entries:
            if not entry.is_dir():
                yield entry.filename, zip_chunks(packed, entry, name, meter)


def _check_purpose(entries: Sequence[zipfile.ZipInfo], name: str) -> None:
    names = {entry.filename for entry in entries}
    if found := sorted(names & _DOCUMENTS) or [entry.filename for entry in entries[:1] if entry.filename == "mimetype"]:
        raise NotMediaError(
            f"{name}: expected an image, a video or an archive of them, found a document or a program: a zip with an "
            f"entry {found[0]}. Check what the URL serves."
        )
    if strange := next((entry for entry in entries if entry.compress_type not in _METHODS), None):
        raise ArchiveError(
            f"{name}: entry {shown(strange.filename)} is packed by method {strange.compress_type}; expected stored, "
            "deflate or bzip2. Pack it anew."
        )


def _wanted(
    files: Iterable[tuple[str, Iterable[bytes] | None]], left_out: Counter[str]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    for name, chunks in files:
        *folders, last = PurePosixPath(name).parts
        if chunks is None:
            left_out["link"] += 1
        elif "__MACOSX" in folders or last.startswith("._") or last in _SYSTEM_FILES:
            left_out["system_file"] += 1
        else:
            yield name, chunks


def _stage(files: Iterable[tuple[str, Iterable[bytes]]], folder: Path) -> tuple[int, int]:
    """Writes files as `0`, `1`, … and their list, and returns how many there are and their length together."""
    number = total_bytes = 0
    with _list_of(folder).open("wb") as listing:
        for name, chunks in files:
            part, digest, size_bytes = folder / str(number), hashlib.sha256(), 0
            with part.open("wb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    size_bytes += file.write(chunk)
            sha256 = digest.hexdigest()
            path = stored("media", sha256, sniff(part).suffix)
            listing.write(encode(Member(str(PurePosixPath(name)), path, sha256, size_bytes)) + b"\n")
            number, total_bytes = number + 1, total_bytes + size_bytes
    return number, total_bytes


def _publish(folder: Path, workspace: Workspace) -> None:
    moves = _moves(folder, workspace)
    while some := list(islice(moves, _SETTLED_AT_A_TIME)):
        if error := next(filter(None, settle_all(some)), None):
            raise error


def _moves(folder: Path, workspace: Workspace) -> Iterator[tuple[Path, Path]]:
    """Yields which files go where; what is in the store already goes with the folder."""
    for number, member in enumerate(read_lines(_list_of(folder), Member)):
        if not workspace.holds(member.path, member.size_bytes):
            yield folder / str(number), workspace.path(member.path)


def _list_of(folder: Path) -> Path:
    return folder / "members.jsonl"
