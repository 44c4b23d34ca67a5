"""How a rebuild begins: with the pipeline that made the dataset, and rows that must come to the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import ConfigError, CredentialsError, RushesError
from rushes.export.given import ORIGINAL, carried
from rushes.files.sums import read_sums
from rushes.jsonl import read_lines
from rushes.pipeline_file import overridden, validate
from rushes.plan import Given, Plan, make_plan
from rushes.rebuild.packed import Shards
from rushes.rebuild.result import digest_of
from rushes.records import ManifestRow, Rejection, Source
from rushes.rejection import reject
from rushes.storage import is_storage
from rushes.summary.origin import REBUILD, SOURCES, Origin, load_origin
from rushes.summary.output import published
from rushes.summary.publish import MANIFEST, SUMMARY
from rushes.summary.verify import CHECKSUMS
from rushes.workspace import Workspace

__all__ = ["check_destination", "original", "pipeline_of", "plan_rebuild", "rows_of", "usable"]

_PARTS = (MANIFEST, SOURCES, REBUILD)
_HOW = ("download.", "run.", "export.media=", "export.code=")


def pipeline_of(dataset: str, destination: str, workspace: str, overrides: Sequence[str] = ()) -> Pipeline:
    """Returns the pipeline that makes a dataset again.

    Args:
        dataset: The dataset's folder, or its URL in a storage; its media need not be there.
        destination: Where the new one goes.
        workspace: Where the work is done.
        overrides: `key.path=value` texts about how to work, never about what to make.

    Raises:
        ConfigError: There is no dataset, it carries nothing to be rebuilt from, or what it carries was changed.
    """
    for text in overrides:
        if not text.startswith(_HOW):
            raise ConfigError(
                f"--set {text}: a rebuild makes what was made before; expected a key of download or run, export.media "
                "or export.code."
            )
    with original(dataset) as folder:
        found = load_origin(folder)
    places = {"source": f"{dataset.rstrip('/')}/{MANIFEST}", "workspace": workspace, "output": destination}
    run = {"run": {"max_failed": 1.0}}  # what the world no longer has is the result, not a reason to stop
    return validate(overridden(found.pipeline | run | places, overrides), f"{dataset}: {REBUILD}")


def plan_rebuild(pipeline: Pipeline, workspace: Workspace, run: str, dataset: str) -> Plan:
    """Plans a run over the rows of a dataset, in the place of those of a source file.

    Raises:
        ConfigError: The dataset carries nothing to be rebuilt from, or what it carries was changed.
    """
    with original(dataset) as folder:
        origin: Origin = load_origin(folder)
        kept = workspace.run(run) / ORIGINAL
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / MANIFEST, kept)
        return make_plan(pipeline, workspace, run, Given(rows_of(folder), origin.classes, origin.categories))


def rows_of(dataset: Path) -> Iterator[Source | Rejection]:
    """Yields what each item of a manifest is to be made of; one that is not in the dataset ends as it did before.

    Raises:
        ConfigError: Manifest and sources do not belong together.
    """
    sources: Iterator[Source] = read_lines(dataset / SOURCES, Source)
    shards = Shards()
    for row in read_lines(dataset / MANIFEST, ManifestRow):
        if row.parent is not None:
            continue
        if row.status != "ok":
            yield carried(row)
            continue
        source = next(sources, None)
        if source is None or source.id != row.id:
            raise ConfigError(
                f"{dataset}: {MANIFEST} has the item {row.id}, and {SOURCES} has {source.id if source else 'none'} in "
                "its place; expected two files of one run. Take both from the same copy."
            )
        yield usable(source, shards)


def check_destination(dataset: str, destination: str, digest: str) -> None:
    """Refuses a place for a rebuilt dataset where anything stands but an earlier try of the same rebuild.

    Args:
        dataset: What is rebuilt.
        destination: Where to.
        digest: Of the manifest of what is rebuilt.

    Raises:
        ConfigError: It is the dataset itself, or holds another one.
    """
    if _place(dataset) == _place(destination):
        raise ConfigError(f"{destination}: this is the dataset that is to be rebuilt; expected another folder.")
    with published(destination, SUMMARY) as folder:
        summary = _summary(folder / SUMMARY)
    if summary is not None and summary.get("rebuilt_from") != digest:
        raise ConfigError(
            f"{destination}: holds another dataset, which a rebuild would replace; expected no such folder, or an "
            "earlier rebuild of the same dataset. Choose another place."
        )


@contextmanager
def original(dataset: str) -> Iterator[Path]:
    """Gives a folder with what a dataset is rebuilt from, which is as it was written as far as can be told.

    Raises:
        ConfigError: There is no dataset, or one of these files was changed.
    """
    with published(dataset, *_PARTS, CHECKSUMS) as folder:
        if not (folder / MANIFEST).is_file():
            raise ConfigError(f"{dataset}: no dataset: expected a folder with the file {MANIFEST}, as `run` writes it.")
        listed = read_sums(folder / CHECKSUMS) if (folder / CHECKSUMS).is_file() else {}
        for name in _PARTS:
            if name in listed and (folder / name).is_file() and digest_of(folder / name) != listed[name]:
                raise ConfigError(
                    f"{dataset}: {name} is not as it was written. Take it from another copy; `rushes verify` says what "
                    "else differs."
                )
        yield folder


def usable(source: Source, shards: Shards) -> Source | Rejection:
    """Returns a row as it can be fetched, or why it cannot: secrets of URLs are not kept."""
    if any(text.endswith("=…") for text in source.url.partition("?")[2].split("&")):
        error = CredentialsError(
            f"{source.url}: the URL had a secret in it, which no dataset keeps. Make it public, or reach it by a "
            "storage's own URL (s3://, gs://, sftp://), whose credentials the environment has."
        )
        return reject(source, "plan", error)
    try:
        return replace(source, url=shards.located(source.url))
    except RushesError as error:
        return reject(source, "plan", error)


def _place(place: str) -> str:
    return place.rstrip("/") if is_storage(place) else str(Path(place).resolve())


def _summary(path: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    return found
