"""The part of a pipeline file that says of a dataset what people know of it, and no program."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from rushes.config.section import Section

__all__ = ["About", "Creator", "Rai"]

_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_URL = re.compile(r"https?://[^\s<>\"'`{}|\\^]+")
_VERSION = r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-+][0-9A-Za-z.+-]+)?$"


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        raise ValueError("expected a URL that begins with http:// or https://")
    return value


def _license(value: str) -> str:
    if not _SPDX.fullmatch(value) and not _URL.fullmatch(value):
        raise ValueError("expected an SPDX id like CC-BY-4.0, of spdx.org/licenses, or the URL of a license")
    return value


Url = Annotated[str, AfterValidator(_url)]


class Creator(Section):
    """A person or an organization."""

    name: str = Field(min_length=1)
    """As it is to be cited."""
    url: Url | None = None
    """Page of the one who is named, like that of an ORCID."""
    organization: bool = False
    """Whether this is an organization, and no person."""


class Rai(Section):
    """What responsible use needs to know; empty says nothing, and no more stands in the dataset."""

    collection: str | None = None
    """How the media were collected."""
    annotation: str | None = None
    """How they were labelled, and by whom."""
    biases: tuple[str, ...] = ()
    """Biases that are known."""
    limitations: tuple[str, ...] = ()
    """What the dataset should not be used for, or cannot show."""
    use_cases: tuple[str, ...] = ()
    """What it was made for."""
    personal_information: tuple[str, ...] = ()
    """Personal or sensitive information in it."""
    social_impact: str | None = None
    """What its use may do to people."""
    maintenance: str | None = None
    """Who keeps it, and how changes come about."""


class About(Section):
    """What people know of the dataset, and no program; it stands in its card and in its descriptions."""

    title: str | None = Field(None, min_length=1)
    """Title for people; empty is the name."""
    description: str | None = Field(None, min_length=1)
    """What it is, in a few sentences; empty says what the pipeline knows."""
    license: Annotated[str, AfterValidator(_license)] | None = None
    """License of the dataset: an SPDX id like CC-BY-4.0, or a URL."""
    creators: tuple[Creator, ...] = ()
    """Who made it."""
    url: Url | None = None
    """Its home page."""
    citation: str | None = Field(None, min_length=1)
    """How to cite it, best as BibTeX."""
    version: str | None = Field(None, pattern=_VERSION)
    """Of the dataset, as MAJOR.MINOR.PATCH."""
    published: date | None = None
    """Day of its publication, like 2026-05-01; no document of a dataset bears another date."""
    keywords: tuple[str, ...] = ()
    """Words to find it by."""
    languages: tuple[Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")], ...] = ()
    """Languages of what is in it, like en."""
    rai: Rai = Rai()
    """What responsible use needs to know."""
