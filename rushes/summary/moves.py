"""What became of files that are not what they were: told apart by what they hold, each of them named once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from rushes.summary.hashing import Hashed

__all__ = ["Change", "changes_of", "renamed", "replaced", "swapped"]


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that is there, with other bytes.

    Attributes:
        expected_sha256: As the checksums say.
        actual_sha256: Of what is there; None where it cannot be read.
        expected_bytes: Its length, where the manifest says so.
        actual_bytes: Of what is there.
        holds: Another file of the dataset, whose bytes it has.
        unreadable: Why it cannot be read.
    """

    expected_sha256: str
    actual_sha256: str | None = None
    expected_bytes: int | None = None
    actual_bytes: int | None = None
    holds: str | None = None
    unreadable: str | None = None


def changes_of(listed: Mapping[str, str], others: Mapping[str, Hashed]) -> dict[str, Change]:
    """Returns the listed files that hold other bytes, and whose bytes these are, where a list says so."""
    wanted = {found.sha256 for found in others.values() if found.size_bytes}  # all empty files are alike
    owners = {digest: path for path, digest in listed.items() if digest in wanted}
    return {
        path: Change(
            listed[path],
            found.sha256,
            actual_bytes=found.size_bytes if found.sha256 else None,
            holds=owners.get(found.sha256 or ""),
            unreadable=found.unreadable,
        )
        for path, found in others.items()
    }


def swapped(changes: dict[str, Change]) -> Iterator[tuple[str, str]]:
    """Yields pairs of files that have each other's bytes, and takes them out of what changed."""
    waiting: defaultdict[tuple[str, str | None], list[str]] = defaultdict(list)
    for path, change in sorted(changes.items()):
        mirrored = waiting[change.actual_sha256 or "", change.expected_sha256]
        if mirrored:
            other = mirrored.pop(0)
            del changes[path], changes[other]
            yield other, path
        else:
            waiting[change.expected_sha256, change.actual_sha256].append(path)


def renamed(
    listed: Mapping[str, str], missing: list[str], extra: list[str], hash_one: Callable[[str], Hashed]
) -> Iterator[tuple[str, str]]:
    """Yields old and new names of files whose bytes are there under another name, and takes them out of both lists."""
    if not missing:
        return
    by_digest: defaultdict[str, list[str]] = defaultdict(list)
    for path in missing:
        by_digest[listed[path]].append(path)
    for new in extra.copy():
        found = by_digest.get(hash_one(new).sha256 or "")
        if found:
            old = found.pop(0)
            missing.remove(old)
            extra.remove(new)
            yield old, new


def replaced(
    listed: Iterable[str], missing: list[str], extra: list[str], hash_one: Callable[[str], Hashed], folders: set[str]
) -> Iterator[tuple[str, str]]:
    """Yields what stands in the place of listed files, or of folders of them, and takes these out of both lists.

    Args:
        listed: Paths in the dataset.
        missing: Those of them that are no files there.
        extra: What is there and not listed.
        hash_one: Hashes what is there.
        folders: Those that are there.
    """
    for path in [path for path in missing if path in folders]:
        missing.remove(path)
        yield path, "a folder"
    parents = {path[:end] for path in listed for end, letter in enumerate(path) if letter == "/"} if extra else set()
    for path in [path for path in extra if path in parents]:
        extra.remove(path)
        missing[:] = [one for one in missing if not one.startswith(f"{path}/")]
        yield path, hash_one(path).instead or "a file"
