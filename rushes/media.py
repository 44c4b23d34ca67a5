"""The step from verified bytes to media that a dataset can hold: look, then keep, turn upright or transcode."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from rushes.errors import LedgerError, MediaError, NotMediaError, UnsupportedFormatError
from rushes.images import bake_orientation, orientation, probe_image
from rushes.jsonl import encode as encode_json
from rushes.jsonl import read_lines, write_lines
from rushes.records import Media, MediaInfo, Verified
from rushes.sniff import Sniffed, looks_like, sniff
from rushes.video.colour import can_tone_map
from rushes.video.config import TranscodeConfig
from rushes.video.conform import conform
from rushes.video.probe import Probed, examine, probe
from rushes.video.verdict import Verdict, judge
from rushes.workspace import Workspace, stored

__all__ = ["RECIPE_VERSION", "make_media", "probe_media", "recipe_of"]

RECIPE_VERSION = 4
"""Raised whenever the same settings would give other bytes, so that nothing made before is mistaken for it."""
_READ_BYTES = 1024 * 1024


def recipe_of(transcode: TranscodeConfig | None) -> str:
    """Returns the name of what is made of media: 12 hex digits over the settings and `RECIPE_VERSION`."""
    settings = {"version": RECIPE_VERSION, "transcode": transcode.recipe() if transcode else None}
    return hashlib.sha256(encode_json(settings)).hexdigest()[:12]


def make_media(verified: Verified, workspace: Workspace, transcode: TranscodeConfig | None) -> Media:
    """Returns the media of a verified file: kept as it is, or made anew under `derived/<recipe>/`.

    A video that an earlier run made is used again.

    Args:
        verified: The file.
        workspace: Where it and its derivatives stand.
        transcode: What becomes of videos; None leaves all media as they are.

    Raises:
        NotMediaError: The content is no image and no video.
        UnsupportedFormatError: It is one that Pillow or the ffmpeg at hand cannot read.
        CorruptMediaError: It is damaged.
        TranscodingFailedError: ffmpeg failed.
        DiskFullError: No space is left for the derivative.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
    """
    path = workspace.path(verified.path)
    sniffed = sniff(path)
    if sniffed.kind == "video":
        return _video(verified, workspace, path, transcode)
    if sniffed.kind == "image":
        return _image(verified, workspace, path, sniffed.suffix, transcode)
    raise _not_media(path.name, sniffed)


def probe_media(path: Path) -> MediaInfo:
    """Returns what an image or a video holds.

    Raises:
        NotMediaError: The content is no image and no video.
        UnsupportedFormatError: It is one that Pillow or the ffmpeg at hand cannot read.
        CorruptMediaError: It is damaged.
        FFmpegNotFoundError: It is a video, and there is no ffprobe.
        StorageError: It cannot be read.
    """
    sniffed = sniff(path)
    if sniffed.kind in ("image", "video"):
        return probe(path) if sniffed.kind == "video" else probe_image(path)
    raise _not_media(path.name, sniffed)


def _not_media(name: str, sniffed: Sniffed) -> NotMediaError:
    found = looks_like(sniffed)
    if sniffed.kind == "archive":
        return NotMediaError(
            f"{name}: expected an image or a video, found {found}, an archive. It is unpacked where it has a row of "
            "its own, unless download.unpack is null."
        )
    return NotMediaError(f"{name}: expected an image or a video, found {found}. Check what the URL serves.")


def _video(verified: Verified, workspace: Workspace, path: Path, transcode: TranscodeConfig | None) -> Media:
    probed = examine(path)
    if transcode is None:
        return _kept(verified, probed.info, "no transcode asked for", transcode)
    derived, words = (stored(f"derived/{recipe_of(transcode)}", verified.sha256, end) for end in (".mp4", ".json"))
    target = workspace.path(derived)
    workspace.need(derived, words)
    verdict = judge(path, probed, transcode)
    before = _made_before(target, workspace.path(words)) if verdict.action == "transcoded" else None
    info, verdict = before or conform(path, target, transcode, probed, verdict)
    if before is None and verdict.action == "transcoded":
        write_lines(workspace.path(words), [verdict])
    why = "; ".join([verdict.reason, *_notes(probed, info, transcode)])
    media = _kept(verified, probed.info, why, transcode)
    if verdict.action == "kept":
        return media
    made = _derived(media, workspace, derived, info)
    return replace(made, action=verdict.action, dropped_streams=_dropped(probed))


def _notes(probed: Probed, info: MediaInfo, transcode: TranscodeConfig) -> Iterator[str]:
    """Yields what else is worth saying of what was made."""
    if probed.colours.hdr and transcode.hdr == "keep":
        yield "HDR kept"
    elif probed.colours.hdr:
        yield "HDR toned down" if can_tone_map() else "HDR kept: this ffmpeg cannot tone it down"
    if probed.info.audio_codec and not probed.audio_decodable:
        yield f"sound dropped: {probed.info.audio_codec} cannot be decoded"
    whole = transcode.fps is None and not transcode.start_time and transcode.duration is None
    if whole and None not in (found := (info.frames, probed.info.frames)) and found[0] != found[1]:
        yield f"{found[0]} of {found[1]} frames decode"
    listed, there = probed.listed_frames, probed.info.frames
    if listed is not None and there is not None and there < listed:
        yield f"{there} of the {listed} frames that the container lists are shown"


def _dropped(probed: Probed) -> dict[str, int]:
    """Returns how many streams of each kind are left out of what is made: one picture and one sound stay."""
    unheard = probed.info.audio_codec is not None and not probed.audio_decodable
    kinds = Counter(probed.others) + Counter({"audio": int(unheard)})
    return dict(sorted(kinds.items()))


def _image(
    verified: Verified, workspace: Workspace, path: Path, suffix: str, transcode: TranscodeConfig | None
) -> Media:
    info = probe_image(path)
    if transcode is None or orientation(path) == 1:
        return _kept(verified, info, "image" if transcode else "no transcode asked for", transcode)
    derived = stored(f"derived/{recipe_of(transcode)}", verified.sha256, suffix)
    target = workspace.path(derived)
    bake_orientation(path, target)
    media = _kept(verified, info, "made upright as EXIF says", transcode)
    return replace(_derived(media, workspace, derived, probe_image(target)), action="transcoded")


def _made_before(target: Path, words: Path) -> tuple[MediaInfo, Verdict] | None:
    """Returns the probe of what an earlier run made, and what there was to say of how.

    Both were published whole, but may have been damaged since; who is asked again must say the same again.
    """
    if not (target.exists() and words.exists()):
        return None
    try:
        return probe(target), next(read_lines(words, Verdict))
    except (MediaError, UnsupportedFormatError, LedgerError, StopIteration):
        return None


def _kept(verified: Verified, info: MediaInfo, reason: str, transcode: TranscodeConfig | None) -> Media:
    return Media(
        verified=verified,
        path=verified.path,
        sha256=verified.sha256,
        size_bytes=verified.size_bytes,
        source_info=info,
        info=info,
        action="kept",
        reason=reason,
        recipe=recipe_of(transcode),
    )


def _derived(media: Media, workspace: Workspace, derived: str, info: MediaInfo) -> Media:
    sha256, size_bytes = _digest(workspace.path(derived))
    return replace(media, path=derived, sha256=sha256, size_bytes=size_bytes, info=info)


def _digest(path: Path) -> tuple[str, int]:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            size_bytes += len(block)
    return digest.hexdigest(), size_bytes
