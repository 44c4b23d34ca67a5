"""The part of a pipeline file that says how items are fetched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rushes.config.section import Section, Size, Speed

__all__ = ["DownloadConfig", "Timeouts", "Unpack"]


class Timeouts(Section):
    """How long one attempt may take, in seconds."""

    connect: float = Field(10, gt=0)
    """Seconds until a connection must stand."""
    read: float = Field(30, gt=0)
    """Seconds without a byte after which the transfer is given up."""
    total: float = Field(3600, gt=0)
    """Seconds for the whole transfer, redirects and headers with it."""


class Unpack(Section):
    """How much may come out of one archive; more is a failure of the whole archive."""

    max_files: int = Field(200_000, ge=1)
    """Entries, folders with them."""
    max_bytes: Size = 100 * 2**30
    """Unpacked size of all files together, like 100GiB."""
    max_ratio: float = Field(200, ge=1)
    """Unpacked to packed size of what unpacks to more than 10 MiB."""


class DownloadConfig(Section):
    """How items are fetched."""

    concurrency: int = Field(16, ge=1, le=256)
    """Transfers at a time in one batch."""
    per_host: int = Field(8, ge=1, le=256)
    """Transfers at a time to one host, over the whole cluster; two runs at once share the smaller limit."""
    attempts: int = Field(5, ge=1, le=20)
    """Requests for one item before it counts as failed."""
    timeout_s: Timeouts = Timeouts()
    """Time limits of one attempt."""
    min_bytes_per_s: Speed = 1000
    """Average over 30 seconds below which a transfer is given up, like 100kB; 0 never gives up for it."""
    max_bytes: Size = 20 * 2**30
    """Largest item, like 20GiB; more is a failure, never a truncation."""
    require_checksum: bool = False
    """Fail items whose row has no checksum."""
    revalidate: bool = True
    """Ask, at each run, whether items without a checksum changed; off, what the ledger knows is believed unasked."""
    robots: Literal["ignore", "respect"] = "ignore"
    """Whether to ask each host's robots.txt, and heed X-Robots-Tag; what they refuse is skipped."""
    allow_private_hosts: tuple[str, ...] = ()
    """Private or loopback addresses that may be fetched from, like 127.0.0.1 or 10.0.0.0/8."""
    unpack: Unpack | None = Unpack()
    """What zip and tar archives may hold, whose files become items; empty leaves archives as they are, no media."""
    allow_storage: tuple[Annotated[str, Field(pattern=r"^(s3|gs|sftp)(://.*)?$")], ...] = ("s3", "gs", "sftp")
    """Storages that rows may name with the credentials of this pipeline: schemes, or beginnings like s3://bucket/."""
