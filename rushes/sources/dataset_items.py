"""Datasets as sources: their items, wherever their media are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rushes.datasets import detect, read_dataset
from rushes.errors import AnnotationError, ArchiveError, ConfigError, RowError
from rushes.formats.dataset import Labelled
from rushes.formats.identity import is_there
from rushes.labels import Category
from rushes.records import Rejection, Source
from rushes.rejection import reject
from rushes.sources.cells import checked_id, printable
from rushes.transfer.inside import Inside, inside_url

__all__ = ["items_of", "looks_like_a_dataset"]

_FILES = frozenset({".json", ".tar", ".xml"})
_YAML = frozenset({".yaml", ".yml"})
_URL = "coco_url"


def looks_like_a_dataset(path: Path) -> bool:
    """Says whether a path is a dataset rather than a list of items."""
    if path.is_dir() or path.suffix.lower() in _FILES:
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
        ConfigError: It is not what its format asks for.
    """
    try:
        dataset = read_dataset(path, detect(path))
        categories.extend(dataset.categories)
        for item in dataset.items:
            yield _item(item, dataset.folder, name)
    except (AnnotationError, ArchiveError, ConfigError) as error:
        raise ConfigError(f"source = {name}: {error}") from None


def _item(item: Labelled, folder: Path, name: str) -> Source | Rejection:
    attributes = dict(item.attributes)
    source = Source(
        id=printable(item.id),
        url=_url(item, folder.absolute()),
        split=item.split,
        group=item.group,
        label=item.label,
        annotations=item.annotations if item.labelled else None,
        attributes=attributes,
        origin=f"{Path(name).name}, {printable(item.path)}",
        dropped=dict(sorted((reason, count) for reason, count in item.dropped.items() if count)),
        size=(item.width, item.height) if item.width and item.height else None,
    )
    try:
        checked_id(item.id, source.origin)
    except RowError as error:
        return reject(source, "plan", error)
    return source


def _url(item: Labelled, folder: Path) -> str:
    if packed := item.packed:
        inside = Inside(packed.name, packed.offset, packed.size_bytes, packed.state)
        return inside_url(folder / packed.file, inside)
    path, url = folder / item.path, item.attributes.get(_URL)
    # Where the file is not here, a document may say where it is.
    return url if isinstance(url, str) and url and not is_there(path) else path.as_uri()
