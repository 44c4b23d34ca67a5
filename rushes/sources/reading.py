"""The source file: one row an item, read as a stream, and no row can stop the others.

CSV (RFC 4180, UTF-8, with a header), JSON lines (one object a line), YAML (a list of mappings) or Parquet. `url` is the
one column that must be there; `id`, `checksum`, `split`, `group`, `label` and `annotations` have a meaning; every other
one is kept as an attribute.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rushes.config import DownloadConfig, expand
from rushes.errors import (
    ConfigError,
    DiskFullError,
    DownloadError,
    DuplicateRowError,
    RowError,
    RushesError,
    StorageError,
)
from rushes.files.checksum import parse_checksum
from rushes.files.download import fetch
from rushes.jsonl import encode
from rushes.labels import Annotation, Category
from rushes.records import Rejection, Source
from rushes.rejection import reject
from rushes.rows import FORMATS, Row
from rushes.sources.cells import checked_id, printable, shown
from rushes.sources.dataset_items import items_of, looks_like_a_dataset
from rushes.sources.files import read_parquet, read_yaml
from rushes.sources.labels import LabelFiles, RowLabels
from rushes.sources.urls import is_remote, resolved
from rushes.transfer.guard import guarded_session
from rushes.transfer.urls import item_id, redact, suffix

__all__ = ["read_sources"]

SPLITS = ("train", "val", "test")
_READERS = {**FORMATS, ".yaml": read_yaml, ".yml": read_yaml, ".parquet": read_parquet}
_COLUMNS = frozenset({"url", "id", "checksum", "split", "group", "label", "annotations"})


def read_sources(
    source: str, config: DownloadConfig | None = None, categories: list[Category] | None = None
) -> Iterator[Source | Rejection]:
    """Reads a source file row by row, or a dataset item by item.

    Paths in it count from the folder it stands in. From a source file that is itself a URL they count from that URL,
    and no row may name a file of this machine.

    Args:
        source: Path or URL, http(s) or of a storage, of a list of items; or path of a dataset; `${VAR}` reads the
            environment.
        config: How to fetch the source file, where it is a URL.
        categories: Takes the classes of a dataset, before its first item comes.

    Yields:
        An item; or what is wrong with its row: `failed` where it cannot be understood, `skipped` where it stands in
        the file twice. Every id is unique.

    Raises:
        ConfigError: The file is missing, cannot be read, is of an unknown type, or has no `url` column; or the dataset
            is not what its format asks for.
    """
    where = expand(source, "source")
    remote = is_remote(where)
    name = redact(where) if remote else where
    kind = suffix(where) if remote else Path(where).suffix.lower()
    if not remote and looks_like_a_dataset(Path(where)):
        yield from items_of(Path(where), name, categories if categories is not None else [])
        return
    if kind not in _READERS:
        raise ConfigError(f"source = {name}: expected a file that ends with {', '.join(_READERS)}, or a dataset.")
    with _file(where, name, config or DownloadConfig()) as path:
        base: str | Path = where if remote else Path(where).absolute().parent
        short = urlsplit(where).path.rpartition("/")[2] if remote else path.name
        try:
            with closing(LabelFiles(base, config or DownloadConfig())) as files:
                yield from _read(_READERS[kind](path, short), base, short, files)
        except OSError as error:
            raise ConfigError(f"source = {name}: cannot be read: {error.strerror or error}.") from None


@contextmanager
def _file(where: str, name: str, config: DownloadConfig) -> Iterator[Path]:
    """Gives the source file as a path; one from the network goes when the block ends."""
    if not is_remote(where):
        yield Path(where)
        return
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder, guarded_session(config) as session:
        try:
            # The list itself was named by whoever runs this, so robots.txt has no say in it.
            own = config.model_copy(update={"robots": "ignore"})
            fetch(Source("source", where), Path(folder), "source", own, session)
        except RushesError as error:
            raise ConfigError(f"source = {name}: cannot be fetched. {error}") from None
        yield Path(folder) / "source"


def _read(rows: Iterator[Row], base: str | Path, name: str, files: LabelFiles) -> Iterator[Source | Rejection]:
    seen: dict[str, tuple[bytes, int]] = {}
    splits: dict[str, tuple[str, int]] = {}
    for row in _ahead(rows, files):
        where = f"{name}:{row.line}"
        digest = hashlib.sha256(encode(_encodable(row.cells))).digest()[:16]
        try:
            item = _source(row, base, where, files)
            _check_new(item.id, digest, seen, where)
            _check_split(item, row.line, splits)
        except DiskFullError:
            raise
        except (RowError, DuplicateRowError, DownloadError, StorageError) as error:
            yield _rejection(row, error, digest, seen, where)
        else:
            seen[item.id] = digest, row.line
            yield item


def _ahead(rows: Iterator[Row], files: LabelFiles) -> Iterator[Row]:
    """Yields rows, while the label files of the next ones are fetched already."""
    waiting: deque[Row] = deque()
    for row in rows:
        if not files.expect(row.cells.get("annotations")) and not waiting:
            yield row
            continue
        waiting.append(row)
        if len(waiting) > files.ahead:
            yield waiting.popleft()
    yield from waiting


def _check_new(key: str, digest: bytes, seen: Mapping[str, tuple[bytes, int]], where: str) -> None:
    if key not in seen:
        return
    known, line = seen[key]
    if known == digest:
        raise DuplicateRowError(f"{where}: the same row as line {line}; that one counts. Remove this one.")
    raise RowError(f"{where}: id {key} stands in line {line} already, in a different row. Give each item its own id.")


def _check_split(item: Source, line: int, splits: dict[str, tuple[str, int]]) -> None:
    if not item.group or not item.split:
        return
    split, since = splits.setdefault(item.group, (item.split, line))
    if split != item.split:
        raise RowError(
            f"{item.origin}: split = {item.split}, but group {shown(item.group)} stands in {split} since line {since}."
            " Give all of a group one split."
        )


def _rejection(
    row: Row, error: RushesError, digest: bytes, seen: dict[str, tuple[bytes, int]], where: str
) -> Rejection:
    """Records a row that is no item, under the id that it would have had where that is still free."""
    key = _id_or_none(row.cells) or "row"
    if key in seen or key == "row":
        key = f"{key}#{row.line}"
    while key in seen:
        key += "#"
    seen[key] = digest, row.line
    url = row.cells.get("url")
    source = Source(key, printable(url) if isinstance(url, str) else "", origin=where)
    return reject(source, "plan", error)


def _source(row: Row, base: str | Path, where: str, files: LabelFiles) -> Source:
    if row.error:
        raise row.error
    cells = row.cells
    url = _text(cells, "url", where)
    if url is None:
        raise RowError(f"{where}: url is empty; every item needs one.")
    given = _text(cells, "id", where)
    media = resolved(url, base, where)
    labels = files.read(cells["annotations"], media, where) if "annotations" in cells else RowLabels(None)
    label = _text(cells, "label", where) or labels.label
    # Of two classes as a whole that of the row is the item's, and that of the file stays a label of it.
    others = (Annotation(labels.label),) if labels.label not in (None, label) else ()
    return Source(
        id=item_id(url) if given is None else checked_id(given, where),
        url=media,
        checksum=_checksum(_text(cells, "checksum", where), where),
        split=_split(_text(cells, "split", where), where),
        group=_text(cells, "group", where),
        label=label,
        annotations=(*(labels.annotations or ()), *others) if others else labels.annotations,
        attributes={**labels.attributes, **{name: value for name, value in cells.items() if name not in _COLUMNS}},
        origin=where,
        dropped=dict(labels.dropped),
        size=labels.size,
    )


def _text(cells: Mapping[str, Any], column: str, where: str) -> str | None:
    value = cells.get(column)
    if value is None:
        return None
    if not isinstance(value, str) and (column == "url" or type(value) is not int):
        raise RowError(f"{where}: {column} is {type(value).__name__}; expected text.")
    text = str(value).strip()
    if printable(text) != text:
        raise RowError(f"{where}: {column} = {shown(text)}: expected text without control characters.")
    return text or None


def _checksum(text: str | None, where: str) -> str | None:
    if text is None:
        return None
    try:
        return parse_checksum(text)
    except ValueError as error:
        raise RowError(f"{where}: checksum = {shown(text)}: {error}.") from None


def _split(text: str | None, where: str) -> str | None:
    if text and text not in SPLITS:
        raise RowError(f"{where}: split = {shown(text)}: expected one of {', '.join(SPLITS)}, or nothing.")
    return text


def _id_or_none(cells: Mapping[str, Any]) -> str | None:
    given, url = cells.get("id"), cells.get("url")
    try:
        if isinstance(given, str | int) and str(given).strip():
            return checked_id(printable(str(given).strip()), "")
    except RowError:
        return None
    return item_id(url.strip()) if isinstance(url, str) else None


def _encodable(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Surrogates stand for bytes that are no UTF-8, and JSON cannot hold them."""
    return {
        column: value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        for column, value in cells.items()
    }
