"""Rows of the manifest.

`path`, `sha256` and `size_bytes` speak of a file of the dataset, so a video of which only frames stand there has none
of them; `width`, `height`, `duration_s` and the codecs speak of the media that was exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from rushes.export.base import labels_of
from rushes.records import ManifestRow, Media, MediaInfo, Rejection, Sample, Source, Unpacked
from rushes.transfer.urls import redact

__all__ = ["archive_row", "item_row", "rejection_row", "sample_row"]


def rejection_row(rejection: Rejection) -> ManifestRow:
    """Returns the row of an item that is not in the dataset."""
    return ManifestRow(
        **_source(rejection.source),
        status=rejection.status,
        stage=rejection.stage,
        error_code=rejection.code,
        error=rejection.message,
        attempts=rejection.attempts,
        source_sha256=rejection.sha256,
        dropped=rejection.dropped,
    )


def archive_row(unpacked: Unpacked) -> ManifestRow:
    """Returns the row of an archive; those of its members follow."""
    verified = unpacked.verified
    counts = ", ".join(f"{count} {reason}" for reason, count in sorted(unpacked.left_out.items()))
    return ManifestRow(
        **_source(verified.source),
        status="ok",
        stage="export",
        attempts=verified.attempts,
        source_sha256=verified.sha256,
        members=unpacked.members,
        action="unpacked",
        reason=f"an archive; left out: {counts}" if counts else "an archive",
        robots=verified.robots,
    )


def item_row(media: Media, split: str, dropped: Mapping[str, int]) -> ManifestRow:
    """Returns the row of an item as a whole; for a video, its frames' rows follow."""
    verified = media.verified
    return ManifestRow(
        **(_source(verified.source) | {"split": split}),
        status="ok",
        stage="export",
        attempts=verified.attempts,
        source_sha256=verified.sha256,
        recipe=media.recipe,
        action=media.action,
        reason=media.reason,
        dropped=dict(sorted(dropped.items())),
        robots=verified.robots,
        dropped_streams=media.dropped_streams,
        quality=media.quality,
        **_info(media.info),
    )


def sample_row(media: Media, sample: Sample, path: str | None, dropped: Mapping[str, int]) -> ManifestRow:
    """Returns the row of an image of the dataset: the item's own row, or that of one frame.

    Args:
        media: The item.
        sample: The image.
        path: Where it stands in the dataset.
        dropped: Labels of it that were left out or changed, by reason code.
    """
    row = replace(
        item_row(media, sample.split, dropped),
        id=sample.id,
        path=path,
        sha256=sample.sha256 if path is not None else None,
        size_bytes=sample.size_bytes if path is not None else None,
        annotations=labels_of(sample) if sample.labelled or sample.label is not None else None,
        **_info(sample.info),
    )
    if sample.parent is None:
        return row
    # What is true of the whole video stands in its own row.
    whole: dict[str, Any] = {"attributes": {}, "action": None, "reason": None, "dropped_streams": {}, "quality": None}
    return replace(row, parent=sample.parent, frame=sample.frame, time_s=sample.time_s, **whole)


def _source(source: Source) -> dict[str, Any]:
    return {
        "id": source.id,
        "source": redact(source.url),
        "split": source.split,
        "group": source.group,
        "attributes": source.attributes,
        "parent": source.parent,
    }


def _info(info: MediaInfo) -> dict[str, Any]:
    return {
        "media_type": info.media_type,
        "width": info.width,
        "height": info.height,
        "duration_s": info.duration_s,
        "fps": info.fps,
        "video_codec": info.video_codec,
        "audio_codec": info.audio_codec,
    }
