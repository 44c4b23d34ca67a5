"""What stands beside a dataset and not in it: where it goes, and what it is made from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.files.sums import iter_sums
from rushes.storage import is_storage
from rushes.summary.verify import CHECKSUMS, UNLISTED

__all__ = ["beside", "listed_files", "need_folder", "sha256_of"]


def beside(pipeline: Pipeline, suffix: str) -> Path:
    """Returns `<output>.<suffix>`."""
    output = Path(pipeline.output_place)
    return output.with_name(f"{output.name}.{suffix}")


def need_folder(pipeline: Pipeline, key: str) -> None:
    """Refuses an output that is no folder of this machine.

    Raises:
        ConfigError: The output is in a storage.
    """
    if is_storage(pipeline.output_place):
        raise ConfigError(
            f"export.{key}: expected an output in a folder, and it is in a storage. Set it to false, or choose another "
            "`output`."
        )


def listed_files(dataset: Path) -> Iterator[tuple[str, str]]:
    """Yields path and sha256 of every file of a dataset; only those that hold times are read."""
    yield from iter_sums(dataset / CHECKSUMS)
    for name in sorted(UNLISTED):
        if (dataset / name).is_file():
            yield name, sha256_of(dataset / name)


def sha256_of(path: Path) -> str:
    """Returns the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
