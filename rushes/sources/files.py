"""Rows of YAML and Parquet files, as `rushes.rows` gives those of CSV and JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from rushes.errors import ConfigError, RowError
from rushes.rows import Row

__all__ = ["read_parquet", "read_yaml"]

MAX_YAML_BYTES = 32 * 2**20
"""A larger list is one for JSON lines: YAML is read as a whole."""
_BATCH_ROWS = 1000


def read_yaml(path: Path, name: str) -> Iterator[Row]:
    """Yields the rows of a YAML file: a list of mappings, without aliases.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        ConfigError: It is no YAML, no list, too large, or has aliases, by which a small file may say very much.
    """
    with path.open("rb") as file:
        content = file.read(MAX_YAML_BYTES + 1)
    if len(content) > MAX_YAML_BYTES:
        raise ConfigError(f"{name}: more than {MAX_YAML_BYTES} bytes of YAML; write it as JSON lines (.jsonl).")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(content, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                raise ConfigError(f"{name}:{_line(event.start_mark)}: an alias; write out what it stands for.")
        top = yaml.compose(content, Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(top, yaml.SequenceNode):
        raise ConfigError(f"{name}: expected a list of items, like `- url: a.jpg`.")
    for node in top.value:
        yield _yaml_row(node, name)


def _line(mark: Any) -> int:
    return int(mark.line) + 1


def _yaml_row(node: yaml.Node, name: str) -> Row:
    line = _line(node.start_mark)
    try:
        cells = yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return Row(line, {}, RowError(f"{name}:{line}: {' '.join(str(error).split())}."))
    if not isinstance(cells, dict) or not all(isinstance(key, str) for key in cells):
        return Row(line, {}, RowError(f"{name}:{line}: expected a mapping with the key url."))
    return Row(line, {key: _plain(value) for key, value in cells.items() if value is not None})


def read_parquet(path: Path, name: str) -> Iterator[Row]:
    """Yields the rows of a Parquet file, some at a time; their lines are their numbers, from 1.

    Args:
        path: The file.
        name: What messages call it.

    Raises:
        ConfigError: It is no Parquet, or has no column `url`.
    """
    import pyarrow as pa  # slow to import
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            if "url" not in file.schema_arrow.names:
                found = ", ".join(file.schema_arrow.names)[:200]
                raise ConfigError(f"{name}: expected a column url, found {found}.")
            number = 0
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(number, {key: _plain(value) for key, value in cells.items() if value is not None})
    except pa.ArrowException as error:
        raise ConfigError(f"{name}: cannot be read as Parquet: {' '.join(str(error).split())}.") from None


def _plain(value: Any) -> Any:
    """Returns a value as JSON has it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    return value
