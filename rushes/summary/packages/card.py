"""`README.md`: the dataset's card, for people and for the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from rushes import __version__
from rushes.config import About
from rushes.formats.imagefolder import SPLIT_FOLDERS
from rushes.layouts import layout_of
from rushes.summary.facts import Facts
from rushes.summary.packages.markdown import code_block, plain
from rushes.summary.packages.provenance import origins
from rushes.summary.packages.reading import Reading, reading_of
from rushes.summary.packages.words import description, license_url, title
from rushes.summary.parquet import PARQUET
from rushes.summary.publish import MANIFEST
from rushes.summary.report.words import size, span

__all__ = ["CARD", "write_card"]

CARD = "README.md"

_SHOWN = 200
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))
_LARGER = ((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B"))
_HUB_LICENSES = frozenset(
    (
        *("apache-2.0", "mit", "isc", "unlicense", "bsd-2-clause", "bsd-3-clause", "mpl-2.0"),
        *("gpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0", "cc0-1.0", "odbl-1.0", "pddl-1.0"),
        *("cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0"),
        *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
        *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
    )
)
"""Identifiers of licenses that the hub knows, where they are those of SPDX in lower case."""
_HUB_NAMES = {"odbl-1.0": "odbl", "pddl-1.0": "pddl"}
_HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
_HUB = """from functools import cache
from pathlib import Path
from datasets import load_dataset
dataset = load_dataset(str(Path.cwd()))  # "." alone has no name that datasets could take"""
_OWN_FOLDERS = frozenset({"imagefolder", "videofolder"})


def write_card(facts: Facts) -> None:
    """Writes the card, unless the exporter wrote one of its own."""
    path = facts.folder / CARD
    if not path.exists():
        path.write_text(_render(facts), encoding="utf-8")


@cache
def _template() -> Template:
    # Not HTML: what stands in the card goes through `plain`, which knows Markdown.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("rushes.summary.packages", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "code_block": code_block}
    return environment.get_template("card.md.jinja")


def _render(facts: Facts) -> str:
    about, stats = facts.pipeline.about, facts.stats
    reading = reading_of(facts.pipeline.export.format)
    return _template().render(
        front=_front(facts, reading),
        title=title(facts),
        description=description(facts),
        about=about,
        license_url=license_url(about.license) if about.license else None,
        pipeline=facts.pipeline,
        transcode=facts.pipeline.transcode_config,  # and no name of a profile: what that means, a pipeline decides
        stats=stats,
        labels=sum(counts.get("annotations", 0) for counts in stats["splits"].values()),
        size=size(stats["bytes"]),
        duration=span(stats["duration_s"]),
        classes=facts.classes,
        reading=reading,
        load=[*_load(facts, reading)],
        origins=[*origins(facts.folder / MANIFEST).items()],
        rai=[*_rai(about)],
        shown=_SHOWN,
        version=__version__,
    )


def _front(facts: Facts, reading: Reading) -> str:
    """Returns what the hub reads of a card, as YAML."""
    about = facts.pipeline.about
    found = {
        **_license(about),
        "pretty_name": title(facts),
        "task_categories": [*reading.tasks],
        "size_categories": [next((name for bound, name in _SIZES + _LARGER if facts.stats["files"] < bound), "n>1T")],
        "language": [*about.languages],
        "tags": [*dict.fromkeys(("rushes", *about.keywords))],
        "configs": _configs(facts, reading),
    }
    shown = {key: value for key, value in found.items() if value}
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=1_000)


def _license(about: About) -> dict[str, str]:
    if about.license is None:
        return {}
    known = about.license.lower()
    if known in _HUB_LICENSES:
        return {"license": _HUB_NAMES.get(known, known)}
    return {"license": "other", "license_name": known.rpartition("/")[2], "license_link": license_url(about.license)}


def _configs(facts: Facts, reading: Reading) -> list[dict[str, Any]]:
    """Returns what the hub loads: the media, where it knows the layout, else the manifest; it cannot load both."""
    splits = [split for split in _HUB_SPLITS if facts.stats["splits"].get(split, {}).get("files")]
    if not _is_loaded(facts, reading) or not splits:
        return [{"config_name": "manifest", "data_files": [{"split": "items", "path": PARQUET}]}]
    folders = SPLIT_FOLDERS if facts.pipeline.export.format in _OWN_FOLDERS else {split: split for split in splits}
    files = [{"split": _HUB_SPLITS[split], "path": str(reading.hub).format(folders[split])} for split in splits]
    return [{"config_name": "default", "data_files": files, **dict(reading.hub_options)}]


def _is_loaded(facts: Facts, reading: Reading) -> bool:
    """Says whether `datasets` loads the media: of shards, it wants all samples to have the same suffixes."""
    alike = len(facts.stats["files_by_type"]) == 1 or not layout_of(facts.pipeline.export.format).packs_media
    return reading.hub is not None and alike


def _load(facts: Facts, reading: Reading) -> Iterator[tuple[str, str]]:
    split = next(iter(facts.stats["splits"]), "train")
    for package, code in reading.load:
        yield package, code.replace("{split}", split)
    if _is_loaded(facts, reading):
        yield "datasets", _HUB
    yield "pandas", 'import pandas\nitems = pandas.read_parquet("manifest.parquet")'


def _rai(about: About) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yields headings, and what was said under each."""
    rai = about.rai
    said = (
        ("Collection", rai.collection),
        ("Annotation", rai.annotation),
        ("Uses", rai.use_cases),
        ("Limitations", rai.limitations),
        ("Biases", rai.biases),
        ("Personal and sensitive information", rai.personal_information),
        ("Social impact", rai.social_impact),
        ("Maintenance", rai.maintenance),
    )
    for heading, text in said:
        if text:
            yield heading, (text,) if isinstance(text, str) else text
