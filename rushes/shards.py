"""Reads WebDataset shards: samples from tar files that may be hostile, in memory that does not grow with them."""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

from msgspec.structs import replace

from rushes.errors import AnnotationError, ConfigError
from rushes.files.limits import Limits
from rushes.files.tars import Content, read_tar
from rushes.formats.dataset import Dataset, Labelled, Packed
from rushes.formats.folder import all_listed, categories_of, class_names, distinct, split_of
from rushes.formats.webdataset import is_media, item_of, parted
from rushes.jsonl import atomic_write, storing
from rushes.transfer.local import state_of

__all__ = ["read"]

LIMITS = Limits(max_files=2_000_000, max_bytes=2**40, max_ratio=200)
"""Of one shard."""
_MAX_MEMBER_BYTES = 64 * 2**20
_READ = frozenset({"json", "cls", "txt"})


def read(path: Path, into: Path | None = None) -> Dataset:
    """Reads a dataset.

    Args:
        path: A folder of shards, or one shard.
        into: Where to put the media, as `<shard>/<key>.<suffix>`; without, they stay in the shards, unread, and items
            say where.

    Raises:
        ConfigError: There is no shard.
        AnnotationError: A member is not what it should be; this and the next come up while items are read.
        ArchiveError: A shard is damaged or unsafe.
    """
    folder = path if path.is_dir() else path.parent
    shards = sorted(path.rglob("*.tar")) if path.is_dir() else [path]
    if not shards or not all(shard.is_file() for shard in shards):
        raise ConfigError(f"{path}: expected WebDataset shards (.tar), found none.")
    listed = class_names(folder)
    used = () if listed is not None else distinct(_used(folder, shards), str(path))
    items = all_listed(_items(folder, shards, listed, into), listed)
    return Dataset(into or folder, categories_of(listed, used), items)


def _used(folder: Path, shards: Sequence[Path]) -> Iterator[str]:
    for item in _items(folder, shards, None, None):
        yield from (label.label for label in item.annotations)
        yield from () if item.label is None else (item.label,)


def _items(
    folder: Path, shards: Sequence[Path], classes: Sequence[str] | None, into: Path | None
) -> Iterator[Labelled]:
    seen: set[str] = set()
    for shard in shards:
        name = shard.relative_to(folder).as_posix()
        for item in _samples(shard, name, classes, into):
            if item.id in seen:
                raise AnnotationError(
                    f"{name}: the sample {reprlib.repr(item.id)} stands there, or in another shard, twice."
                )
            seen.add(item.id)
            yield item


def _samples(shard: Path, name: str, classes: Sequence[str] | None, into: Path | None) -> Iterator[Labelled]:
    """Yields the samples of a shard: members that follow each other and have one key."""
    split = split_of(PurePosixPath(name).name.partition("-")[0]) or split_of(PurePosixPath(name).parts[0])
    keys: set[str] = set()
    state = state_of(shard.stat())
    members = ((*parted(member), content) for member, content in read_tar(shard, name, LIMITS))
    for key, group in groupby((member for member in members if member[1]), key=lambda member: member[0]):
        where = f"{name}: {key}"
        if key in keys:
            raise AnnotationError(f"{where}: its members stand apart; expected all of a sample one after the other.")
        keys.add(key)
        yield replace(_sample(group, key, where, (name, state), classes, into), split=split)


def _sample(
    group: Iterator[tuple[str, str, Content | None]],
    key: str,
    where: str,
    shard: tuple[str, str],
    classes: Sequence[str] | None,
    into: Path | None,
) -> Labelled:
    name, state = shard
    media, packed = "", None
    texts: dict[str, bytes] = {}
    dropped: Counter[str] = Counter()
    for _, suffix, content in group:
        if content is not None and is_media(suffix) and not media:
            media = f"{name}/{key}.{suffix}"
            if into is None:
                packed = Packed(name, f"{key}.{suffix}", content.offset, content.size_bytes, state)
            else:
                _save(content, into / media)
        elif content is not None and suffix in _READ:
            texts[suffix] = _whole(content, f"{where}.{suffix}")
        else:
            dropped["member_unsupported"] += 1
    if not media:
        raise AnnotationError(f"{where}: expected an image or a video among its members, found none.")
    # Keys of other writers are unique in their shard, and no further.
    item = item_of(f"{name.removesuffix('.tar')}/{key}", media, texts, classes, where)
    return replace(item, dropped=dict(dropped), packed=packed)


def _whole(content: Iterable[bytes], where: str) -> bytes:
    found = bytearray()
    for chunk in content:
        found += chunk
        if len(found) > _MAX_MEMBER_BYTES:
            raise AnnotationError(f"{where}: more than {_MAX_MEMBER_BYTES} bytes, which no label is.")
    return bytes(found)


def _save(content: Iterable[bytes], target: Path) -> None:
    with storing(target), atomic_write(target) as file:
        file.writelines(content)
