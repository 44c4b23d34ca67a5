"""The part of a pipeline file that says what the dataset looks like."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema, field_validator

from rushes.config.section import Section, Size, wrong
from rushes.layouts import LAYOUTS

__all__ = ["RESERVED", "ExportConfig"]

RESERVED = (
    "categories",
    "classes",
    "export_items",
    "format",
    "media",
    "name",
    "output",
    "path_root",
    "run",
    "self",
    "shard_bytes",
    "split",
)
"""Parameters that every exporter has, or that its constructor has."""
_EXPORTER = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def _known_format(value: str) -> str:
    if value not in LAYOUTS and not re.fullmatch(_EXPORTER, value):
        raise ValueError(f"expected one of {', '.join(LAYOUTS)}, or an exporter of your own as module:Class")
    return value


_FORMAT_SCHEMA = {
    "anyOf": [{"type": "string", "enum": [*LAYOUTS]}, {"type": "string", "title": "module:Class", "pattern": _EXPORTER}]
}


class ExportConfig(Section):
    """What the dataset looks like."""

    format: Annotated[str, AfterValidator(_known_format), WithJsonSchema(_FORMAT_SCHEMA)] = "yolo"
    """Layout of the dataset; or an exporter of one's own, as module:Class."""
    code: str | None = None
    """Folder in which the module of such an exporter is looked for first; empty is that of the pipeline file."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of an exporter of one's own."""
    classes: tuple[str, ...] | dict[str, tuple[str, ...]] | None = None
    """Class names in order; or new names, each with the old ones it takes in; empty takes the source's order."""
    drop_classes: tuple[str, ...] = ()
    """Classes of the source whose labels are left out."""
    required_classes: tuple[str, ...] = ()
    """Classes of which the dataset must have at least one label."""
    allow_class_drift: bool | Literal["append"] = False
    """Whether classes may be other ones than in the dataset that stands at the output; append: new ones at the end."""
    split: dict[Literal["train", "val", "test"], Annotated[float, Field(ge=0, le=1)]] = Field(
        {"train": 0.8, "val": 0.2}
    )
    """Share of the groups in each split, like {"train": 0.8, "val": 0.2}; an item's own split column goes first."""
    split_by: str | None = Field(None, min_length=1)
    """Column to deal by: items of one value stay together, and a value that is the name of a split is that split."""
    stratify: Literal["label"] | None = None
    """Give each split its share of every class, and leave items where they are; empty deals by the hash alone."""
    strict: bool = False
    """Fail the run where a label would be left out or changed, and the pipeline does not ask for that."""
    media: Literal["auto", "copy", "link"] = "auto"
    """How files get into the dataset: auto links where the disk allows it."""
    shard_bytes: Size = 10**9
    """Largest shard of a webdataset, like 1GB; one sample alone may be larger."""
    datapackage: bool = False
    """Describe the dataset as a Frictionless data package, too: `datapackage.json`."""
    bag: bool | Literal["holey"] = False
    """Put the dataset into a BagIt bag beside it, too; holey: without the media that can be fetched from their URLs."""
    mhl: bool = False
    """List the dataset in a media hash list beside it, too (ASC MHL), for which every file is read once more."""

    @field_validator("params")
    @classmethod
    def _free(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in value:
            if name in RESERVED:
                raise wrong((name,), value[name], "rushes gives every exporter one of this name; expected another name")
        return value

    @field_validator("split")
    @classmethod
    def _whole(cls, value: dict[str, float]) -> dict[str, float]:
        if abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"expected shares that add up to 1, not {sum(value.values()):g}")
        return value
