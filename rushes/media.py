"""The step from verified bytes to media that a dataset can hold: look, then keep, turn upright or transcode."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec
from msgspec.structs import replace

from rushes.errors import LedgerError, MediaError, NotMediaError, UnsupportedFormatError
from rushes.images import bake_orientation, orientation, probe_image
from rushes.jsonl import encode as encode_json
from rushes.jsonl import read_lines, write_lines
from rushes.records import Media, MediaInfo, Verified
from rushes.sniff import Sniffed, looks_like, sniff
from rushes.video.chunks import cuts_key
from rushes.video.config import TranscodeConfig
from rushes.video.conform import conform
from rushes.video.convert import chunks_of
from rushes.video.cuts import Chunk, in_chunks
from rushes.video.probe import examine, probe
from rushes.video.remarks import brightness, dropped, losses
from rushes.video.verdict import Verdict, judge
from rushes.workspace import Workspace, stored

__all__ = [
    "RECIPE_VERSION",
    "Long",
    "chunk_folder",
    "make_media",
    "make_or_leave",
    "probe_media",
    "recipe_of",
]

RECIPE_VERSION = 4
"""Raised whenever the same settings would give other bytes, so that nothing made before is mistaken for it."""
_READ_BYTES = 1024 * 1024


class Long(msgspec.Struct, frozen=True, gc=False):
    """A video that is long enough to be encoded in chunks, and is left for that.

    Attributes:
        verified: The file.
        key: Name of chunks that are cut and made so.
        chunks: What it is to be cut into.
        sound: Whether there is sound to be made.
    """

    verified: Verified
    key: str
    chunks: tuple[Chunk, ...]
    sound: bool


def recipe_of(transcode: TranscodeConfig | None) -> str:
    """Returns the name of what is made of media: 12 hex digits over the settings and `RECIPE_VERSION`."""
    settings = {"version": RECIPE_VERSION, "transcode": transcode.recipe() if transcode else None}
    return hashlib.sha256(encode_json(settings)).hexdigest()[:12]


def make_media(verified: Verified, workspace: Workspace, transcode: TranscodeConfig | None) -> Media:
    """Returns the media of a verified file: kept as it is, or made anew under `derived/<recipe>/`.

    A video that an earlier run made is used again. Of a long one, so are the chunks that are here, which go then.

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


def make_or_leave(verified: Verified, workspace: Workspace, transcode: TranscodeConfig | None) -> Media | Long:
    """Does what `make_media` does, but leaves a video that is to be encoded in chunks; raises the same."""
    path = workspace.path(verified.path)
    if transcode is None or sniff(path).kind != "video":
        return make_media(verified, workspace, transcode)
    video = _Video(verified, workspace, path, transcode)
    return video.left() or video.make()


def chunk_folder(verified: Verified, recipe: str) -> str:
    """Returns the folder for chunks of a video, relative to the workspace."""
    return stored(f"chunks/{recipe}", verified.sha256, "")


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
    if transcode is None:
        return _kept(verified, examine(path).info, "no transcode asked for", transcode)
    return _Video(verified, workspace, path, transcode).make()


class _Video:
    """A video that was looked at: what it is, what it needs, and whether an earlier run made that."""

    def __init__(self, verified: Verified, workspace: Workspace, path: Path, transcode: TranscodeConfig) -> None:
        self._verified, self._workspace, self._path, self._transcode = verified, workspace, path, transcode
        self._probed = examine(path)
        self._verdict = judge(path, self._probed, transcode)
        derived = f"derived/{recipe_of(transcode)}"
        self._derived, words = (stored(derived, verified.sha256, suffix) for suffix in (".mp4", ".json"))
        self._target, self._words = workspace.path(self._derived), workspace.path(words)
        workspace.need(self._derived, words)
        self._before = _made_before(self._target, self._words) if self._verdict.action == "transcoded" else None

    def left(self) -> Long | None:
        """Returns what is to be done in chunks; None where nothing is."""
        if self._before is not None or self._verdict.action != "transcoded":
            return None
        chunks = chunks_of(self._path, self._target, self._transcode, self._probed)
        key = cuts_key(self._probed, self._transcode, chunks)
        return Long(self._verified, key, chunks, self._probed.audio_decodable) if chunks else None

    def make(self) -> Media:
        """Makes what is asked for, and returns it."""
        info, verdict = self._before or self._anew()
        # What is encoded has it in its verdict, by the ffmpeg that did it; when it is used again, another may be here.
        bright = None if verdict.action == "transcoded" else brightness(self._probed, self._transcode)
        said = [verdict.reason, bright, *losses(self._probed, info, self._transcode)]
        why = "; ".join(filter(None, said))
        media = _kept(self._verified, self._probed.info, why, self._transcode)
        if verdict.action == "kept":
            return media
        made = _derived(media, self._workspace, self._derived, info)
        return replace(made, action=verdict.action, dropped_streams=dropped(self._probed))

    def _anew(self) -> tuple[MediaInfo, Verdict]:
        folder = chunk_folder(self._verified, recipe_of(self._transcode))
        if in_chunks(self._probed, self._transcode):
            self._workspace.need_all(folder)
        chunks = self._workspace.path(folder)
        made = conform(self._path, self._target, self._transcode, self._probed, self._verdict, chunks)
        if made[1].action == "transcoded":
            write_lines(self._words, [made[1]])
        shutil.rmtree(chunks, ignore_errors=True)
        return made


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
