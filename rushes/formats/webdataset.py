"""WebDataset: tar files of samples, whose members share a name up to its first dot.

    train-000000.tar:  a.jpg  a.json  a.cls  b.jpg  b.json

`json` says all that is known of a sample, its labels as in a source file; `cls` is the index of its class as a whole in
`classes.txt`. Format: https://github.com/webdataset/webdataset#the-webdataset-format.
"""

from __future__ import annotations

import hashlib
import re
import reprlib
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rushes.errors import AnnotationError
from rushes.formats.annotation import dump, parse
from rushes.formats.dataset import Labelled
from rushes.formats.folder import IMAGES, VIDEOS
from rushes.jsonl import encode

__all__ = ["Member", "header", "item_of", "key_of", "packed_bytes", "padding", "parted", "render", "shard_name"]

END = bytes(2 * tarfile.BLOCKSIZE)
"""What a tar ends with."""
_OURS = {"annotations", "attributes", "group", "height", "id", "label", "labelled", "width"}


class Member(NamedTuple):
    """A small file of a sample: what follows the first dot of its name, and its content."""

    suffix: str
    content: bytes


def key_of(name: str) -> str:
    """Returns the key of a sample: its name, in which a dot would end it."""
    if "." not in name:
        return name
    return f"{name.replace('.', '-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def shard_name(split: str, number: int) -> str:
    """Returns the name of a shard."""
    return f"{split}-{number:06d}.tar"


def render(item: Labelled, classes: Sequence[str]) -> tuple[list[Member], Counter[str]]:
    """Returns what stands beside the media of a sample; there is nothing that it cannot say, so no reason is counted.

    Raises:
        ValueError: The item's class is not in `classes`.
    """
    found = {
        "id": item.id,
        "width": item.width,
        "height": item.height,
        "group": item.group,
        "label": item.label,
        "labelled": item.labelled,
        "annotations": [dump(label) for label in item.annotations],
        "attributes": item.attributes,
    }
    members = [Member("json", encode(found))]
    if item.label is not None:
        members.append(Member("cls", str(classes.index(item.label)).encode()))
    return members, Counter()


def header(name: str, size_bytes: int) -> bytes:
    """Returns what stands before a member: nothing that differs from one machine or day to another."""
    entry = tarfile.TarInfo(name)
    entry.size = size_bytes
    entry.mode = 0o644
    return entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size_bytes: int) -> bytes:
    """Returns what follows a member, so that the next one begins with a block."""
    return bytes(-size_bytes % tarfile.BLOCKSIZE)


def packed_bytes(name: str, size_bytes: int) -> int:
    """Returns what a member takes of a shard."""
    return len(header(name, size_bytes)) + size_bytes + len(padding(size_bytes))


def parted(name: str) -> tuple[str, str]:
    """Returns key and suffix of a member; the suffix is empty where it has none, and then it is no part of a sample."""
    found = re.match(r"((?:.*/)?[^/.]+)\.([^/]*)$", name, re.DOTALL)
    return (found[1], found[2].lower()) if found else (name, "")


def is_media(suffix: str) -> bool:
    """Says whether a member is what a sample shows."""
    return f".{suffix}" in IMAGES | VIDEOS


def item_of(
    identity: str, path: str, members: Mapping[str, bytes], classes: Sequence[str] | None, where: str
) -> Labelled:
    """Returns the item that a sample is.

    Args:
        identity: Its id where the sample does not say another.
        path: Where its media stand.
        members: The contents of its small members, by suffix.
        classes: Class names by index, where they are known.
        where: What messages call it.

    Raises:
        AnnotationError: A member is not what it should be.
    """
    label = _class(members["cls"], classes, f"{where}.cls") if "cls" in members else None
    found = _json(members["json"], f"{where}.json") if "json" in members else {}
    texts = {suffix: _text(members[suffix], f"{where}.{suffix}") for suffix in ("txt",) if suffix in members}
    if not isinstance(found, dict) or not found.keys() >= _OURS:
        attributes = found if isinstance(found, dict) else {"json": found}
        return Labelled(identity, path, label=label, labelled=False, attributes=attributes | texts)
    try:
        known = msgspec.convert({**{key: found[key] for key in _OURS}, "annotations": [], "path": path}, Labelled)
    except msgspec.ValidationError as error:
        raise AnnotationError(f"{where}.json: {error}. Expected what rushes writes.") from None
    labels = parse(found["annotations"], f"{where}.json")
    return msgspec.structs.replace(known, annotations=labels, attributes=known.attributes | texts)


def _class(content: bytes, classes: Sequence[str] | None, where: str) -> str:
    text = _text(content, where).strip()
    if not text or len(text.splitlines()) != 1:
        raise AnnotationError(f"{where} = {reprlib.repr(text)}: expected the number of a class.")
    if not text.isascii() or not text.isdecimal() or classes is None:
        return text
    if len(text) > 9 or int(text) >= len(classes):
        raise AnnotationError(f"{where} = {reprlib.repr(text)}: expected 0 to {len(classes) - 1}, as in classes.txt.")
    return classes[int(text)]


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{where}: not in UTF-8: {error.reason}.") from None


def _json(content: bytes, where: str) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise AnnotationError(f"{where}: not valid JSON: {error}.") from None
