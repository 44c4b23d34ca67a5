"""Datasets as sources: their items, wherever their media are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rushes.cells import checked_id, printable
from rushes.datasets import detect, read_dataset
from rushes.errors import AnnotationError, ConfigError, RowError
from rushes.formats.dataset import Labelled
from rushes.formats.identity import is_there
from rushes.labels import Category
from rushes.records import Rejection, Source
from rushes.rejection import reject

__all__ = ["items_of", "looks_like_a_dataset"]

_DOCUMENTS = frozenset({".json", ".xml"})
_YAML = frozenset({".yaml", ".yml"})
_URL = "coco_url"
_PACKED = frozenset({"webdataset"})


def looks_like_a_dataset(path: Path) -> bool:
    """Says whether a path is a dataset rather than a list of items."""
    if path.is_dir() or path.suffix.lower() in _DOCUMENTS:
        return True
    if path.suffix.lower() not in _YAML or not path.is_file():
        return False
    with path.open("rb") as file:
        # A list of items begins with a dash; the keys of a dataset are at the margin.
        return any(line.startswith((b"train:", b"val:", b"test:", b"names:")) for line in file.read(2**16).splitlines())


def items_of(path: Path, name: str, categories: list[Category]) -> Iterator[Source | Rejection]:
    """Yields the items of a dataset.

    Args:
        path: The dataset.
        name: What messages call it.
        categories: Takes its classes, before the first item comes.

    Raises:
        ConfigError: It is not what its format asks for, or its media are packed.
    """
    try:
        dataset = read_dataset(path, _kind(path))
        categories.extend(dataset.categories)
        for item in dataset.items:
            yield _item(item, dataset.folder, name)
    except (AnnotationError, ConfigError) as error:
        raise ConfigError(f"source = {name}: {error}") from None


def _kind(path: Path) -> str:
    kind = detect(path)
    if kind in _PACKED:
        raise ConfigError(
            f"{path}: shards hold their media and labels. Turn them into a dataset of files, which loses nothing, and "
            f"take that: rushes convert {path} DST --to csv. As items of a list, shards are unpacked without labels."
        )
    return kind


def _item(item: Labelled, folder: Path, name: str) -> Source | Rejection:
    path = folder.absolute() / item.path
    attributes = dict(item.attributes)
    url = attributes.get(_URL)
    # Where the file is not here, a document may say where it is.
    found = url if isinstance(url, str) and url and not is_there(path) else path.as_uri()
    source = Source(
        id=printable(item.id),
        url=found,
        split=item.split,
        group=item.group,
        label=item.label,
        annotations=item.annotations if item.labelled else None,
        attributes=attributes,
        origin=f"{Path(name).name}, {printable(item.path)}",
        dropped=dict(sorted((reason, count) for reason, count in item.dropped.items() if count)),
    )
    try:
        checked_id(item.id, source.origin)
    except RowError as error:
        return reject(source, "plan", error)
    return source
