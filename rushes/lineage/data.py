"""What a run read and what it wrote, under the names that OpenLineage gives to data, with what is known of them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    data_quality_metrics_input_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    lifecycle_state_change_dataset,
    output_statistics_output_dataset,
    ownership_dataset,
    schema_dataset,
    storage_dataset,
)
from openlineage.client.generated.base import DatasetFacet
from pyarrow import parquet

from rushes.config import Pipeline
from rushes.summary.output import published
from rushes.summary.packages.provenance import origins
from rushes.summary.parquet import PARQUET, schema
from rushes.summary.publish import MANIFEST
from rushes.transfer.urls import redact

__all__ = ["origins_of", "output", "source"]

_STATS = "stats.json"


def source(pipeline: Pipeline) -> InputDataset:
    """Returns the list of items; variables in its URL stay as they are written, because they may hold credentials."""
    return InputDataset(*_place(pipeline.source), facets={"dataSource": _data_source(pipeline.source)})


def origins_of(pipeline: Pipeline) -> list[InputDataset]:
    """Returns the places that items came from: a host, a bucket, or this machine."""
    with published(pipeline.output_place, MANIFEST) as folder:
        found = origins(folder / MANIFEST)
    counts: dict[str, int] = {}
    for origin, count in found.items():
        counts[origin.namespace] = counts.get(origin.namespace, 0) + count
    return [_origin(namespace, count) for namespace, count in counts.items()]


def output(pipeline: Pipeline) -> OutputDataset:
    """Returns the dataset that stands at the output."""
    namespace, name = _place(pipeline.output_place)
    with published(pipeline.output_place, MANIFEST, PARQUET, _STATS) as folder:
        stats = json.loads((folder / _STATS).read_bytes())
        rows = parquet.read_metadata(folder / PARQUET).num_rows
        version = _sha256(folder / MANIFEST)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=rows, size=stats["bytes"], fileCount=stats["files"]
    )
    facets = _facets(pipeline, namespace) | {"version": dataset_version_dataset.DatasetVersionDatasetFacet(version)}
    return OutputDataset(namespace, name, facets=facets, outputFacets={"outputStatistics": statistics})


def _facets(pipeline: Pipeline, namespace: str) -> dict[str, DatasetFacet]:
    about, change = pipeline.about, lifecycle_state_change_dataset
    layer = namespace.partition(":")[0]
    facets: dict[str, DatasetFacet] = {
        "dataSource": _data_source(pipeline.output_place),
        "schema": schema_dataset.SchemaDatasetFacet(_fields(schema())),
        "storage": storage_dataset.StorageDatasetFacet(layer, pipeline.export.format),
        "lifecycleStateChange": change.LifecycleStateChangeDatasetFacet(change.LifecycleStateChange.OVERWRITE),
    }
    if about.description:
        facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(about.description, "text/markdown")
    if about.creators:
        owners = [ownership_dataset.Owner(creator.name, "CREATOR") for creator in about.creators]
        facets["ownership"] = ownership_dataset.OwnershipDatasetFacet(owners)
    return facets


def _fields(columns: Any) -> list[schema_dataset.SchemaDatasetFacetFields]:
    """Returns columns, those of records within them, too."""
    return [_field(column.name, column.type) for column in columns]


def _field(name: str, kind: pa.DataType) -> schema_dataset.SchemaDatasetFacetFields:
    records = kind.value_type if pa.types.is_list(kind) else kind
    if not pa.types.is_struct(records):
        return schema_dataset.SchemaDatasetFacetFields(name, str(kind))
    shown = "struct" if records is kind else "list<struct>"
    return schema_dataset.SchemaDatasetFacetFields(name, shown, fields=_fields(records))


def _origin(namespace: str, count: int) -> InputDataset:
    metrics = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet({}, rowCount=count)
    return InputDataset(namespace, "/", inputFacets={"dataQualityMetrics": metrics})


def _data_source(place: str) -> datasource_dataset.DatasourceDatasetFacet:
    namespace, name = _place(place)
    return datasource_dataset.DatasourceDatasetFacet(
        namespace, redact(place) if "://" in place else Path(name).as_uri() if name.startswith("/") else None
    )


def _place(place: str) -> tuple[str, str]:
    """Returns namespace and name of a path or a URL, without credentials."""
    if place.startswith("${"):
        return "file", place
    if "://" not in place:
        return "file", str(Path(place).absolute())
    parts = urlsplit(redact(place))
    return f"{parts.scheme}://{parts.netloc}", parts.path.strip("/") or "/"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
