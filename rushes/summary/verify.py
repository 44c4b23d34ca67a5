"""Is a dataset what it was when it was written? Everything is read again, and nothing is asked of anybody."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from rushes.files.sums import iter_sums, read_sums
from rushes.storage import is_storage, open_storage
from rushes.summary.crosscheck import LOOKED_INTO, Contradiction, contradictions, listed_in_manifest
from rushes.summary.hashing import Hashed, files_of, folders_of, hash_all, hash_file, hash_stored, threads
from rushes.summary.leftovers import left_by
from rushes.summary.moves import Change, changes_of, renamed, replaced, swapped
from rushes.summary.output import published
from rushes.summary.publish import CHECKSUMS, MANIFEST, UNLISTED

__all__ = ["CHECKSUMS", "UNLISTED", "Verification", "verify_dataset"]

Report = Callable[[int, int], None]


class Verification(msgspec.Struct, frozen=True):
    """What differs from what was written, as sorted paths in the dataset; each file is named once.

    Attributes:
        checked: Files that were read and hashed.
        missing: Listed, and not there.
        changed: There, with other bytes.
        extra: There, and not listed.
        renamed: Listed and not there, and the name under which its bytes are.
        swapped: Two files, each of which has the bytes of the other.
        replaced: No file any more, or no folder, and what is there instead.
        contradicted: Where two lists of the dataset do not agree.
        changes: More about those that changed.
        left_by: Extra files that a known program leaves behind, and which.
        unlisted: Files that are there and that no list covers, because they hold times.
        manifest: Digest of the manifest; None where there is none.
        checksums: Digest of the list of checksums, likewise.
        unexpected: The digest that was expected, where it is neither of these.
        size_bytes: Bytes that were read and hashed.
    """

    checked: int
    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...] = ()
    swapped: tuple[tuple[str, str], ...] = ()
    replaced: tuple[tuple[str, str], ...] = ()
    contradicted: tuple[Contradiction, ...] = ()
    changes: dict[str, Change] = {}
    left_by: dict[str, str] = {}
    unlisted: tuple[str, ...] = ()
    manifest: str | None = None
    checksums: str | None = None
    unexpected: str | None = None
    size_bytes: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing differs."""
        found = (self.missing, self.changed, self.extra, self.renamed, self.swapped, self.replaced, self.contradicted)
        return not any(found) and self.unexpected is None


class _Place(NamedTuple):
    """A dataset, here or elsewhere.

    Attributes:
        folder: Where its lists are.
        files: What there is in it, and is no folder.
        folders: Its folders; of a storage, which has none, nothing.
        hash_one: Hashes a file of it.
    """

    folder: Path
    files: set[str]
    folders: set[str]
    hash_one: Callable[[str], Hashed]


class _Compared(NamedTuple):
    """What was hashed: files that are other ones than listed, how many there were, and how many bytes."""

    others: dict[str, Hashed]
    checked: int
    size_bytes: int


def verify_dataset(
    dataset: Path | str, report: Report | None = None, workers: int | None = None, expect: str | None = None
) -> Verification:
    """Hashes every file of a dataset again, looks for files that it does not list, and whether its lists agree.

    Args:
        dataset: The dataset's folder, or its URL in a storage.
        report: Told how many of how many files are done.
        workers: Files to read at a time; by default what suits the machine.
        expect: Digest that its manifest or its list of checksums had, as an earlier verification said it.

    Raises:
        ConfigError: The folder holds no dataset that rushes wrote.
    """
    with _opened(str(dataset)) as place:
        listed, spoiled = _listed(place)
        there = sorted(listed.keys() & place.files)
        compared = _compare(listed, hash_all(there, place.hash_one, workers or threads(), report))
        found = _told_apart(place, listed, compared)
        digests = [_digest(place.folder / name) for name in (MANIFEST, CHECKSUMS)]
        asked = expect.strip().lower().removeprefix("sha256:") if expect else None
        return replace(
            found,
            changed=tuple(sorted({*found.changed, *([CHECKSUMS] if spoiled else ())})),
            manifest=digests[0],
            checksums=digests[1],
            unexpected=asked if asked not in (None, *digests) else None,
        )


@contextmanager
def _opened(dataset: str) -> Iterator[_Place]:
    with published(dataset, CHECKSUMS, *LOOKED_INTO) as folder:
        if is_storage(dataset):
            with closing(open_storage(dataset)) as storage:
                names = {entry.name for entry in storage.list()}
                yield _Place(folder, names, set(), lambda name: hash_stored(storage, name))
            return
        there = folder.is_dir()
        files, folders = (set(found(folder)) if there else set() for found in (files_of, folders_of))
        yield _Place(folder, files, folders, lambda name: hash_file(f"{folder}/{name}"))


def _listed(place: _Place) -> tuple[dict[str, str], bool]:
    """Returns what the dataset lists, and whether the list itself is spoiled; where it is gone, what the manifest says.

    Raises:
        ConfigError: There is neither.
    """
    if CHECKSUMS not in place.files and MANIFEST in place.files:
        return listed_in_manifest(place.folder), False
    spoiled: list[str] = []
    if MANIFEST not in place.files:
        return read_sums(place.folder / CHECKSUMS), False
    return dict(iter_sums(place.folder / CHECKSUMS, spoiled)), bool(spoiled)


def _compare(listed: dict[str, str], hashed: Iterator[tuple[str, Hashed]]) -> _Compared:
    others: dict[str, Hashed] = {}
    checked = size_bytes = 0
    for path, found in hashed:
        checked += 1
        size_bytes += found.size_bytes
        if found.sha256 != listed[path]:
            others[path] = found
    return _Compared(others, checked, size_bytes)


def _told_apart(place: _Place, listed: dict[str, str], compared: _Compared) -> Verification:
    """Returns what differs, by what became of it."""
    gone = CHECKSUMS not in place.files
    missing = sorted(listed.keys() - place.files)
    extra = [] if gone else sorted(place.files - listed.keys() - UNLISTED)
    instead = {path: found.instead for path, found in compared.others.items() if found.instead}
    others = {path: found for path, found in compared.others.items() if path not in instead}
    instead |= replaced(listed, missing, extra, place.hash_one, place.folders)
    moved = [*renamed(listed, missing, extra, place.hash_one)]
    changes = changes_of(listed, others)
    pairs = [*swapped(changes)]
    lengths = dict.fromkeys(changes)
    readable = not gone and MANIFEST not in compared.others
    odd = [*contradictions(place.folder, listed, lengths, skip=compared.others.keys())] if readable else []
    changes = {path: replace(change, expected_bytes=lengths[path]) for path, change in changes.items()}
    return Verification(
        compared.checked,
        missing=tuple(sorted([*missing, *([CHECKSUMS] if gone else [])])),
        changed=tuple(changes),
        extra=tuple(extra),
        renamed=tuple(moved),
        swapped=tuple(pairs),
        replaced=tuple(sorted((path, what or "") for path, what in instead.items())),
        contradicted=tuple(odd),
        changes=changes,
        left_by={path: program for path in extra if (program := left_by(path))},
        unlisted=tuple(sorted((place.files & UNLISTED) - {CHECKSUMS})),
        size_bytes=compared.size_bytes,
    )


def _digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
