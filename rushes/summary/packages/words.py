"""What descriptions of a dataset say in words, where `about` does not say it."""

from __future__ import annotations

from rushes.summary.facts import Facts
from rushes.summary.packages.reading import reading_of

__all__ = ["description", "license_url", "title"]


def title(facts: Facts) -> str:
    """Returns the dataset's title for people."""
    return facts.pipeline.about.title or facts.pipeline.name


def description(facts: Facts) -> str:
    """Returns what the dataset is, in a few sentences."""
    given = facts.pipeline.about.description
    if given:
        return given.strip()
    stats = facts.stats
    splits = ", ".join(f"{counts.get('files', 0)} {split}" for split, counts in stats["splits"].items())
    labels = sum(counts.get("annotations", 0) for counts in stats["splits"].values())
    return (
        f"{stats['files']} media files{f' ({splits})' if splits else ''} with {labels} labels of {len(facts.classes)} "
        f"classes, as {reading_of(facts.pipeline.export.format).title}."
    )


def license_url(license_: str) -> str:
    """Returns the page of a license that is given by its SPDX id or its URL."""
    return license_ if "://" in license_ else f"https://spdx.org/licenses/{license_}.html"
