"""The items of a source, counted by what a run does with each."""

from __future__ import annotations

import re
from collections import Counter

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.files.unpack import is_archive
from rushes.items import STATES, PlanItem, look_up, quarantined, state, to_ask, to_fetch, to_make
from rushes.members import to_make_of
from rushes.plan import cost_s
from rushes.preview.sizes import Sizes
from rushes.records import Verified
from rushes.transfer.urls import name_of, redact
from rushes.workspace import Workspace

__all__ = ["Work", "work_of"]

_NAMES = {"again": "failed_before"}
_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|tar\.(gz|bz2|xz))$", re.IGNORECASE)


class Work:
    """What a run has to do; each item's bytes count once, however many rows name them.

    Attributes:
        fetch: Items to fetch whole.
        ask: Items to ask whether they changed.
        unasked: Items that are here and whose source nobody asks, nor a checksum tells.
        make: Media to make, at most.
        archives: Items to fetch whose name is that of an archive: what is in it nobody knows yet.
        remade: Content, by sha256, of which media are made again, and its length in bytes.
        sizes: Of what is fetched whole.
        cost_s: Seconds of work on one core, as batches are cut by.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._states: Counter[str] = Counter()
        self._seen: set[str] = set()
        self.fetch = self.ask = self.unasked = self.make = self.archives = 0
        self.remade: dict[str, int] = {}
        self.sizes = Sizes()
        self.cost_s = 0.0

    @property
    def items(self) -> dict[str, int]:
        """Rows by state, and `planned`."""
        return {"planned": self._states.total()} | {_NAMES.get(name, name): self._states[name] for name in STATES}

    @property
    def remake_bytes(self) -> int:
        """Length of what is here, and of which media are made again."""
        return sum(self.remade.values())

    def add(self, item: PlanItem) -> None:
        """Counts one row."""
        self._states[state(item)] += 1
        if item.rejection is None and item.key not in self._seen:
            self._seen.add(item.key)
            self._add_new(item)

    def _add_new(self, item: PlanItem) -> None:
        asked = to_ask(item, self._pipeline)
        refused = self._pipeline.download.require_checksum and not item.source.checksum
        fetched = to_fetch(item, self._pipeline) and not refused
        if fetched and _has_validator(item):
            self.ask += 1
        elif fetched:
            self.fetch += 1
            self._add_unseen(item)
        elif item.verified and not (item.source.checksum or item.source.url.startswith("file://")):
            self.unasked += 1
        if item.verified and to_make(item):
            self._add_remade(item.verified)
        if fetched or asked or (item.verified and to_make(item)):
            self.cost_s += cost_s(item, asked)

    def _add_unseen(self, item: PlanItem) -> None:
        self.sizes.add(item)
        if self._pipeline.download.unpack and _ARCHIVE.search(name_of(item.source.url)):
            self.archives += 1
        else:
            self.make += 1

    def add_member(self, item: PlanItem) -> None:
        """Counts a member of an archive that is here, of which media must be made."""
        if item.verified:
            self._add_remade(item.verified)
            self.cost_s += cost_s(item, asked=False)

    def _add_remade(self, verified: Verified) -> None:
        if verified.sha256 not in self.remade:
            self.remade[verified.sha256] = verified.size_bytes
            self.make += 1


def work_of(pipeline: Pipeline, workspace: Workspace) -> Work:
    """Counts the rows of a source.

    Raises:
        ConfigError: The source file cannot be used, or has no rows.
    """
    work, archives = Work(pipeline), []
    for item in look_up(pipeline, workspace):
        work.add(item)
        if item.made and item.verified and is_archive(item.verified):
            archives.append(replace(item.verified, source=item.source))
    for member in to_make_of(archives, pipeline, workspace) if archives else ():
        work.add_member(member)
    if not work.items["planned"]:
        raise ConfigError(f"source = {redact(pipeline.source)}: has no rows; expected at least one item.")
    return work


def _has_validator(item: PlanItem) -> bool:
    before = item.previous if quarantined(item) else item.verified
    return before is not None and (before.etag or before.last_modified) is not None
