"""`datapackage.json`: the dataset as a Frictionless data package, version 2, with the manifest as a table.

Media are no resources, because there may be millions; each has its path, size and digest in the table.
"""

from __future__ import annotations

import hashlib
import mimetypes
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

import msgspec

from rushes.config import About
from rushes.jsonl import json_bytes
from rushes.records import ManifestRow
from rushes.summary.facts import Facts
from rushes.summary.packages.provenance import origins
from rushes.summary.packages.words import description, license_url, title
from rushes.summary.publish import MANIFEST, SUMMARY
from rushes.summary.verify import UNLISTED

__all__ = ["DATAPACKAGE", "write_datapackage"]

DATAPACKAGE = "datapackage.json"

_PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
_TYPES = {str: "string", int: "integer", float: "number", dict: "object", tuple: "array", msgspec.Struct: "object"}
_MEDIA_TYPES = {".parquet": "application/vnd.apache.parquet", ".jsonl": "application/jsonl", ".md": "text/markdown"}
_SKIPPED = UNLISTED | {MANIFEST, SUMMARY, DATAPACKAGE}


def write_datapackage(facts: Facts) -> None:
    """Writes the description, where `export.datapackage` asks for it and the exporter wrote none of its own."""
    path = facts.folder / DATAPACKAGE
    if not facts.pipeline.export.datapackage or path.exists():
        return
    about = facts.pipeline.about
    found = {
        "$schema": _PROFILE,
        "name": facts.pipeline.name,
        "title": title(facts),
        "description": description(facts),
        **_about(about),
        "sources": [*_sources(facts)],
        "resources": [*_resources(facts.folder)],
    }
    path.write_bytes(json_bytes(found))


def _about(about: About) -> dict[str, Any]:
    contributors = [
        {"title": creator.name, "roles": ["creator"]} | ({"path": creator.url} if creator.url else {})
        for creator in about.creators
    ]
    said = {
        "homepage": about.url,
        "version": about.version,
        "licenses": [_license(about.license)] if about.license else [],
        "contributors": contributors,
        "keywords": [*about.keywords],
    }
    return {key: value for key, value in said.items() if value}


def _license(license_: str) -> dict[str, str]:
    named = {} if "://" in license_ else {"name": license_}
    return named | {"path": license_url(license_)}


def _sources(facts: Facts) -> Iterator[dict[str, str]]:
    for namespace in dict.fromkeys(origin.namespace for origin in origins(facts.folder / MANIFEST)):
        web = {"path": namespace} if namespace.startswith(("http://", "https://")) else {}
        yield {"title": namespace} | web


def _resources(folder: Path) -> Iterator[dict[str, Any]]:
    table = {
        "type": "table",
        "title": "A row for each planned item, whatever became of it, and for each frame",
        "format": "jsonl",
        "schema": {"fields": [*_fields()], "primaryKey": ["id"], "missingValues": []},
    }
    yield {"name": "manifest", "path": MANIFEST} | table | _file(folder / MANIFEST)
    documents = sorted((folder / "annotations").glob("*.json"))
    for path in (*sorted(folder.iterdir()), *documents):
        if path.is_file() and path.name not in _SKIPPED:
            name = path.relative_to(folder).as_posix()
            yield {"name": _name(name), "path": name, "type": "file"} | _file(path)


def _fields() -> Iterator[dict[str, str]]:
    for field in msgspec.structs.fields(ManifestRow):
        kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        kind = next(get_origin(kind) or kind for kind in kinds if kind is not NoneType)
        yield {"name": field.name, "type": next(name for known, name in _TYPES.items() if issubclass(kind, known))}


def _file(path: Path) -> dict[str, Any]:
    kind = _MEDIA_TYPES.get(path.suffix) or mimetypes.types_map.get(path.suffix, "application/octet-stream")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"mediatype": kind, "bytes": path.stat().st_size, "hash": f"sha256:{digest}"}


def _name(path: str) -> str:
    """Returns a name that a resource may have, another one for each path."""
    plain = re.sub(r"[^a-z0-9._/-]", "-", path.lower())
    return plain if plain == path else f"{plain}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"
