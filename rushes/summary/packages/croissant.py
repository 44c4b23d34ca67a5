"""`croissant.json`: the dataset as search engines and loaders of machine learning know it (MLCommons Croissant 1.1).

Files are described by the patterns of their names, records by the manifest in Parquet, so the description stays small
however large the dataset is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyarrow import parquet

from rushes.config import About, Creator, Rai
from rushes.jsonl import json_bytes
from rushes.layouts import layout_of
from rushes.summary.facts import Facts
from rushes.summary.packages.columns import fields
from rushes.summary.packages.media import MediaFiles, media_files
from rushes.summary.packages.reading import reading_of
from rushes.summary.packages.words import description, license_url, title
from rushes.summary.parquet import PARQUET
from rushes.summary.publish import MANIFEST

__all__ = ["CROISSANT", "write_croissant"]

CROISSANT = "croissant.json"
_VERSION = "http://mlcommons.org/croissant/1.1"
_RAI_VERSION = "http://mlcommons.org/croissant/RAI/1.0"
_DECODED = ("image/jpeg", "image/png")
"""Types of pictures that every reader of Croissant decodes."""
_SHARDS = MediaFiles("shards", ("application/x-tar",), ("*.tar",))
_TYPES = {PARQUET: "application/x-parquet", MANIFEST: "application/jsonlines", "stats.json": "application/json"}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
} | {
    term: f"cr:{term}"
    for term in (
        *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileObject"),
        *("fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
        *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate"),
        *("separator", "source", "subField", "transform"),
    )
}


def write_croissant(facts: Facts) -> None:
    """Writes the description of a dataset whose manifest is written."""
    packed = layout_of(facts.pipeline.export.format).packs_media
    media = [_SHARDS] if packed and facts.stats["files"] else [] if packed else media_files(facts.folder / PARQUET)
    about = facts.pipeline.about
    found = (
        {"@context": _CONTEXT, "@type": "sc:Dataset", "name": facts.pipeline.name, "conformsTo": _conforms(about)}
        | {"alternateName": title(facts), "description": description(facts)}
        | _about(about)
        | {"distribution": [*_distribution(facts, media)], "recordSet": [*_record_sets(facts, media)]}
    )
    (facts.folder / CROISSANT).write_bytes(json_bytes(found))


def _conforms(about: About) -> list[str]:
    return [_VERSION, *([_RAI_VERSION] if about.rai != Rai() else [])]


def _about(about: About) -> dict[str, Any]:
    """Returns what people said of the dataset, and nothing of what they did not say."""
    rai = about.rai
    said = {
        "license": license_url(about.license) if about.license else None,
        "url": about.url,
        "version": about.version,
        "citeAs": about.citation,
        "datePublished": about.published.isoformat() if about.published else None,
        "keywords": [*about.keywords],
        "inLanguage": [*about.languages],
        "creator": [_creator(creator) for creator in about.creators],
        "rai:dataCollection": rai.collection,
        "rai:dataAnnotationProtocol": rai.annotation,
        "rai:dataBiases": [*rai.biases],
        "rai:dataLimitations": [*rai.limitations],
        "rai:dataUseCases": [*rai.use_cases],
        "rai:personalSensitiveInformation": [*rai.personal_information],
        "rai:dataSocialImpact": rai.social_impact,
        "rai:dataReleaseMaintenancePlan": rai.maintenance,
    }
    return {key: value for key, value in said.items() if value}


def _creator(creator: Creator) -> dict[str, Any]:
    kind = "sc:Organization" if creator.organization else "sc:Person"
    return {"@type": kind, "name": creator.name} | ({"url": creator.url} if creator.url else {})


def _distribution(facts: Facts, media: Iterable[MediaFiles]) -> Iterable[dict[str, Any]]:
    for name, kind in _TYPES.items():
        path = facts.folder / name
        yield {
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": name,
            "encodingFormat": kind,
            "contentSize": f"{path.stat().st_size} B",
            "sha256": _sha256(path),
        }
    for files in media:
        yield _file_set(files.name, files.types, files.patterns)
    labels = reading_of(facts.pipeline.export.format).labels if facts.stats["files"] else ()
    for number, (pattern, kind) in enumerate(labels):
        yield _file_set("labels" if number == 0 else f"labels-{number}", (kind,), (pattern,))


def _file_set(name: str, types: Iterable[str], patterns: Iterable[str]) -> dict[str, Any]:
    shown = [*types]
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "encodingFormat": shown[0] if len(shown) == 1 else shown,
        "includes": [*patterns],
    }


def _record_sets(facts: Facts, media: Iterable[MediaFiles]) -> Iterable[dict[str, Any]]:
    yield from _enumerations(facts)
    schema = parquet.read_schema(facts.folder / PARQUET)
    yield {
        "@type": "cr:RecordSet",
        "@id": "items",
        "name": "items",
        "description": "A row for each planned item, whatever became of it, and for each frame.",
        "key": {"@id": "items/id"},
        "field": [*fields(schema, "items", PARQUET)],
    }
    for files in media:
        if set(files.types) <= {*_DECODED}:
            yield _pictures(files.name)


def _pictures(name: str) -> dict[str, Any]:
    def field(part: str, kind: str, property_: str) -> dict[str, Any]:
        source = {"fileSet": {"@id": name}, "extract": {"fileProperty": property_}}
        return {"@type": "cr:Field", "@id": f"files/{part}", "name": part, "dataType": kind, "source": source}

    path = field("path", "sc:Text", "fullpath") | {"references": {"field": {"@id": "items/path"}}}
    return {
        "@type": "cr:RecordSet",
        "@id": "files",
        "name": "files",
        "description": "The pictures, each with its path, by which the rows of `items` name it.",
        "key": {"@id": "files/path"},
        "field": [path, field("content", "sc:ImageObject", "content")],
    }


def _enumerations(facts: Facts) -> Iterable[dict[str, Any]]:
    splits = [split for split in facts.stats["splits"] if split != "none"]
    for name, kind, values in (("splits", "cr:Split", splits), ("classes", "sc:Enumeration", facts.classes)):
        if values:
            id_ = f"{name}/name"
            yield {
                "@type": "cr:RecordSet",
                "@id": name,
                "name": name,
                "dataType": kind,
                "key": {"@id": id_},
                "field": [{"@type": "cr:Field", "@id": id_, "name": "name", "dataType": "sc:Text"}],
                "data": [{id_: value} for value in values],
            }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
