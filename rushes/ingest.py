"""The ingest of one batch: download, then checksum, then transcode; each leaves a segment that the next one reads.

    download    runs/<run>/downloads/<batch>.jsonl     Download | Rejection, by source key
    checksum    ledger/verified/<run>-<batch>.jsonl    Verified | Rejection, by source key
    transcode   ledger/media/<run>-<batch>.jsonl       Media | Rejection, by content and recipe
                ledger/unpacked/<run>-<batch>.jsonl    Unpacked | Rejection, by content and limits

Each can be killed and run again: it skips what its own segment holds. Here, and only here, an item's `RushesError`
becomes its `Rejection`; any other exception fails the batch, which the orchestrator tries again.

The transcode step unpacks an archive instead. What it holds is planned then (`rushes.members`), and goes through the
transcode step in batches of its own. So does a video that is long enough for chunks, when it has them (`rushes.long`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from rushes.config import Pipeline
from rushes.errors import MissingChecksumError, RushesError
from rushes.files.checksum import quarantine, verify_all
from rushes.files.download import fetch
from rushes.files.unpack import is_archive, unpack
from rushes.items import PlanItem, made_key, quarantined, to_fetch, to_make
from rushes.jsonl import read_lines, write_lines
from rushes.ledger import Known, Ledger, with_source
from rushes.media import Long, make_media, make_or_leave
from rushes.progress import Report
from rushes.records import Download, Media, Rejection, Verified
from rushes.rejection import reject
from rushes.results import BatchResult, save_result
from rushes.stage import Pending, downloads_of, ledger_of, long_of, need, run_groups, run_stage, segment_of
from rushes.transfer.guard import GuardedSession, guarded_session
from rushes.transfer.hosts import Shares
from rushes.transfer.leases import gate_of
from rushes.transfer.urls import redact
from rushes.video.pool import many_files
from rushes.video.quality import measured
from rushes.workspace import Batch, Workspace

__all__ = ["checksum_batch", "download_batch", "transcode_batch"]

_SETTLED_AT_A_TIME = 512  # what a crash may have to settle again


def download_batch(
    pipeline: Pipeline,
    workspace: Workspace,
    batch: Batch,
    report: Report | None = None,
    shares: Shares | None = None,
) -> BatchResult:
    """Fetches the items of a batch that have no bytes yet, several at a time, and hashes them on the way.

    Its exchanges with each host count together with those of all batches that `shares` serves; without it, with those
    of this process.
    """
    need(workspace, batch)
    with gate_of(shares) as gate, guarded_session(pipeline.download, gate) as session:

        def one(item: PlanItem) -> Known:
            return _download(item, pipeline, workspace, session)

        def pending(items: list[PlanItem], done: dict[str, Known]) -> list[tuple[str, PlanItem]]:
            open_ = (item for item in items if to_fetch(item, pipeline) and settled.get(item.key) is None)
            return [(item.key, item) for item in open_ if not _arrived(done.get(item.key), workspace)]

        settled = ledger_of(workspace, "verified", batch)
        path = downloads_of(workspace, batch)
        return run_stage("download", workspace, batch, path, pending, one, pipeline.download.concurrency, report)


def checksum_batch(pipeline: Pipeline, workspace: Workspace, batch: Batch, report: Report | None = None) -> BatchResult:
    """Compares what arrived with what was promised, and publishes it in the store or puts it into quarantine."""
    need(workspace, batch)
    downloads = Ledger(downloads_of(workspace, batch).parent, f"{batch.name}.jsonl")

    def pending(items: list[PlanItem], done: dict[str, Known]) -> list[tuple[str, Known]]:
        found = ((item, downloads.get(item.key)) for item in items if item.key not in done)
        # What is still as it was at its source keeps the line that it has.
        new = ((item, known) for item, known in found if item.verified is None or isinstance(known, Download))
        return [(item.key, with_source(known or _vanished(item), item.source)) for item, known in new]

    path = segment_of(workspace, "verified", batch)
    some = partial(_verify_some, workspace=workspace)
    result = run_groups("checksum", workspace, batch, path, pending, some, _SETTLED_AT_A_TIME, 2, report)
    return save_result(workspace, msgspec.structs.replace(result, changed=_changed(workspace, batch)))


def transcode_batch(
    pipeline: Pipeline,
    workspace: Workspace,
    batch: Batch,
    report: Report | None = None,
    workers: int = 1,
    leave_long: bool = False,
) -> BatchResult:
    """Probes what is new in the store and makes of it what the recipe says, `workers` ffmpeg processes at a time.

    Archives are unpacked; the result says how many there were to unpack. Where long videos are to be left, they are
    handed over to `rushes.long`, and the result says how many.
    """
    need(workspace, batch)
    config = pipeline.transcode_config
    left: list[Long] = []

    def media(bytes_: Verified) -> Known | None:
        workspace.need(bytes_.path)
        try:
            made = (make_or_leave if leave_long else make_media)(bytes_, workspace, config)
            if isinstance(made, Media):
                return _measured(made, workspace, pipeline)
        except RushesError as error:
            return _stopped(bytes_, "transcode", error)
        left.append(made)
        return None

    def members(archive: Verified) -> Known:
        workspace.need(archive.path)
        try:
            return unpack(archive, workspace, pipeline.download.unpack)
        except RushesError as error:
            return _stopped(archive, "unpack", error)

    items = list(read_lines(workspace.path(batch.plan), PlanItem, batch.offset, batch.count))
    found = {made_key(one, pipeline): one for one in _worth(items, ledger_of(workspace, "verified", batch))}
    archives = {key: one for key, one in found.items() if is_archive(one)}
    if archives:
        path = segment_of(workspace, "unpacked", batch)
        run_stage("unpack", workspace, batch, path, _open(archives), members, 1, None)
    pending = _open({key: one for key, one in found.items() if key not in archives})
    path = segment_of(workspace, "media", batch)
    with many_files((one.path for one in found.values()), workers):
        result = run_stage("transcode", workspace, batch, path, pending, media, workers, report)
    if left:
        write_lines(long_of(workspace, batch), sorted(left, key=_content), mode=0o600)
    return msgspec.structs.replace(result, archives=len(archives), left=len(left))


def _content(long: Long) -> str:
    return long.verified.sha256


def _measured(media: Media, workspace: Workspace, pipeline: Pipeline) -> Media:
    config, check = pipeline.transcode_config, pipeline.quality_check
    if config is None or check is None:
        return media
    source, made = workspace.path(media.verified.path), workspace.path(media.path)
    return measured(media, source, made, config, check)


def _worth(items: Iterable[PlanItem], verified: Ledger) -> Iterator[Verified]:
    """Yields the bytes of which nothing was made yet, each under the name of one of its rows."""
    for item in items:
        new = verified.get(item.key)
        if _other(new, item) or to_make(item):
            found = with_source(new or item.verified or _vanished(item), item.source)
            if isinstance(found, Verified):
                yield found


def _open(found: Mapping[str, Verified]) -> Pending[Verified]:
    return lambda _, done: [(key, one) for key, one in found.items() if key not in done]


def _stopped(verified: Verified, stage: str, error: RushesError) -> Rejection:
    return msgspec.structs.replace(
        reject(verified.source, stage, error),
        sha256=verified.sha256,
        size_bytes=verified.size_bytes,
        path=verified.path,
        attempts=verified.attempts,
    )


def _other(new: Known | None, item: PlanItem) -> bool:
    """Tells whether this run brought bytes that the plan did not know of."""
    return isinstance(new, Verified) and (item.verified is None or new.sha256 != item.verified.sha256)


def _download(item: PlanItem, pipeline: Pipeline, workspace: Workspace, session: GuardedSession) -> Known:
    before = item.previous if quarantined(item) else item.verified
    try:
        if pipeline.download.require_checksum and not item.source.checksum:
            raise MissingChecksumError(
                f"{redact(item.source.url)}: the row has no checksum, and download.require_checksum is on. "
                "Give one in the column checksum, like sha256:…, or turn the key off."
            )
        validators = (before.etag, before.last_modified) if before else (None, None)
        fresh = fetch(item.source, workspace.root, f"incoming/{item.key}", pipeline.download, session, *validators)
    except RushesError as error:
        # What is here and good stays, whatever has become of its source.
        return reject(item.source, "download", error) if item.verified is None or quarantined(item) else item.verified
    return fresh or before or _vanished(item)


def _verify_some(known: Sequence[Known], workspace: Workspace) -> list[Known]:
    """Verifies what arrived; the rest has its outcome already."""
    downloads = [one for one in known if isinstance(one, Download)]
    workspace.need(*(download.path for download in downloads))
    verified = zip(downloads, verify_all(downloads, workspace), strict=True)
    return [_settled(*next(verified), workspace) if isinstance(one, Download) else one for one in known]


def _settled(download: Download, outcome: Verified | RushesError, workspace: Workspace) -> Known:
    if isinstance(outcome, Verified):
        return outcome
    rejection = msgspec.structs.replace(
        reject(download.source, "checksum", outcome),
        attempts=download.attempts,
        sha256=download.digests["sha256"],
        size_bytes=download.size_bytes,
        etag=download.etag,
        last_modified=download.last_modified,
    )
    if outcome.status != "quarantined":
        return rejection
    return msgspec.structs.replace(rejection, path=quarantine(download, workspace))


def _changed(workspace: Workspace, batch: Batch) -> int:
    """Counts the items of which there are other bytes now than before."""
    ledger = ledger_of(workspace, "verified", batch)
    items = read_lines(workspace.path(batch.plan), PlanItem, batch.offset, batch.count)
    pairs = ((item.verified or item.earlier, ledger.get(item.key)) for item in items)
    return sum(
        isinstance(old, Verified) and isinstance(new, Verified) and new.sha256 != old.sha256 for old, new in pairs
    )


def _vanished(item: PlanItem) -> Rejection:
    message = f"{item.source.id}: an earlier step left nothing behind for it. Run again; the item is tried anew."
    return Rejection(item.source, "download", "failed", "storage", message, transient=True)


def _arrived(outcome: Known | None, workspace: Workspace) -> bool:
    return outcome is not None and (
        not isinstance(outcome, Download) or workspace.holds(outcome.path, outcome.size_bytes)
    )
