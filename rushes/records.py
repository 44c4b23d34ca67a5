"""The records that travel from hop to hop: frozen, slotted, without behaviour, and one more gain in trust each.

    Source ── download ──▶ Download ── checksum ──▶ Verified ── probe, transcode ──▶ Media ── labels, split ──▶ Sample
       └───────────────────────┴────────────────────────┴──────────────────────▶ Rejection

    Verified archive ── unpack ──▶ Unpacked, whose members are Verified in their turn

Paths are POSIX strings relative to the workspace, so that they mean the same on every node. Bytes never travel.

They are msgspec structs, not dataclasses, for one reason: a tagged struct can stand in a union, so that a line of a
ledger is decoded straight into `Media | Rejection`. `msgspec.structs.replace` makes a changed copy. They hold nothing
that could lead back to them, so the garbage collector need not look at them (`gc=False`): a plan has very many.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import field

from rushes.labels import Annotation, Keyed

__all__ = [
    "Download",
    "ManifestRow",
    "Media",
    "MediaInfo",
    "Member",
    "Outcome",
    "Quality",
    "Rejection",
    "Sample",
    "Source",
    "Unpacked",
    "Verified",
    "WrittenFile",
]


class Source(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One row of the source file: a promise, nothing fetched yet.

    Attributes:
        id: Unique in the dataset; given, or derived from the URL.
        url: Where the bytes are. May carry credentials: it stands in the plan and nowhere else.
        checksum: `algorithm:hex`, lower case, or None.
        split: The split it was given, or None for the configured ratios.
        group: Items of one group never straddle splits.
        label: A class for the whole item.
        annotations: Its labels; None where the row says nothing, empty where it says there are none.
        attributes: Every other column.
        origin: Where the row stands, like `items.csv:12`.
        parent: Id of the archive that it came out of.
        dropped: What a dataset's format says of it and labels cannot say, counted by reason code.
        size: Width and height of the upright picture that its labels are drawn in, where their file says so.
    """

    id: str
    url: str
    checksum: str | None = None
    split: str | None = None
    group: str | None = None
    label: str | None = None
    annotations: tuple[Annotation, ...] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    parent: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    size: tuple[int, int] | None = None


class Download(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """Bytes that arrived, hashed on the way, and are not trusted yet.

    Attributes:
        path: The part file.
        size_bytes: Its length.
        digests: Hex digest by algorithm; always sha256, and what the source's checksum asks for.
        content_type: As the server said, without parameters.
        etag: The server's validator, for a conditional request next time.
        last_modified: The server's other validator, as sent.
        attempts: Requests it took.
        elapsed_s: Time of the transfer; feeds stats, never a dataset file.
        robots: What its host's robots.txt says of it, in a few words; None where nobody asked.
    """

    source: Source
    path: str
    size_bytes: int
    digests: dict[str, str]
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    attempts: int = 1
    elapsed_s: float = 0.0
    robots: str | None = None


class Verified(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """Bytes that are what the source promised, published in the content-addressed store."""

    source: Source
    path: str
    sha256: str
    size_bytes: int
    etag: str | None = None
    last_modified: str | None = None
    attempts: int = 1
    robots: str | None = None


class Member(msgspec.Struct, frozen=True, gc=False):
    """One file that came out of an archive, published in the store.

    Attributes:
        name: In the archive, with slashes.
        path: In the workspace.
    """

    name: str
    path: str
    sha256: str
    size_bytes: int


class Unpacked(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """An archive that was found safe and whole, and all of whose files stand in the store.

    Attributes:
        verified: The archive.
        path: List of its members in the workspace: a `Member` a line, in the archive's order.
        size_bytes: Of that list.
        members: How many there are.
        unpacked_bytes: Of all of them together.
        left_out: Entries that are no members, counted by reason.
    """

    verified: Verified
    path: str
    size_bytes: int
    members: int
    unpacked_bytes: int
    left_out: dict[str, int] = field(default_factory=dict)


class MediaInfo(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a probe found, sizes as shown upright.

    Attributes:
        media_type: Like `video/mp4` or `image/jpeg`, from the content, never from the name.
        width: Pixels as displayed: rotation and sample aspect ratio applied.
        height: Likewise.
        rotation: Degrees clockwise that the container asks a player to turn the stored picture: 0, 90, 180 or 270.
        duration_s: Of the video stream; None for images and where the container does not say.
        fps: Average frames per second.
        frames: Number of video frames, where counted or stated.
        video_codec: ffmpeg's name of it.
        audio_codec: ffmpeg's name of it, None without sound.
        vfr: Whether frames are unevenly spaced.
    """

    media_type: str
    width: int
    height: int
    rotation: int = 0
    duration_s: float | None = None
    fps: float | None = None
    frames: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    vfr: bool = False


class Quality(msgspec.Struct, frozen=True, gc=False):
    """How alike a transcode is to its source, over the frames of a few seconds.

    Attributes:
        metric: vmaf, of which 100 is the same to the eye, or ssim, of which 1 is the same.
        mean: Over the frames.
        min: Of the frame that is least alike.
    """

    metric: str
    mean: float
    min: float


class Media(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """Media that was probed, and transcoded where the recipe asks for it: fit to stand in a dataset.

    Attributes:
        verified: What came in.
        path: What the dataset uses: the stored original, or what was made of it.
        sha256: Of the file at `path`.
        size_bytes: Of the file at `path`.
        source_info: Probe of what came in.
        info: Probe of the file at `path`.
        action: kept, remuxed, partly or transcoded.
        reason: Why that action, in a few words.
        recipe: Hash of the settings that made it.
        dropped_streams: How many streams of each kind it had that the file at `path` has not.
        quality: What it lost, where that was measured.
    """

    verified: Verified
    path: str
    sha256: str
    size_bytes: int
    source_info: MediaInfo
    info: MediaInfo
    action: str
    reason: str
    recipe: str
    dropped_streams: dict[str, int] = field(default_factory=dict)
    quality: Quality | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag=True):
    """An item that ended before its goal, and why.

    Attributes:
        stage: plan, download, checksum, unpack, transcode or export.
        status: failed, skipped or quarantined.
        code: Of the error class.
        message: For the user, without credentials.
        transient: Whether another try may help.
        attempts: Requests or runs it took.
        sha256: Of the bytes, where bytes arrived.
        size_bytes: Of the bytes, where bytes arrived.
        path: Where quarantined bytes are kept.
        etag: Validator of those bytes, so that the next run asks only whether they changed.
        last_modified: Likewise.
        dropped: Labels that the export left out or changed before it refused the item, by reason code.
    """

    source: Source
    stage: str
    status: str
    code: str
    message: str
    transient: bool = False
    attempts: int = 0
    sha256: str | None = None
    size_bytes: int | None = None
    path: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)


Outcome = Media | Unpacked | Rejection
"""How an item ends its ingest."""


class WrittenFile(msgspec.Struct, frozen=True, gc=False):
    """A file that an export wrote: its path in the dataset, its digest and its length."""

    path: str
    sha256: str
    size_bytes: int


class Sample(Keyed, msgspec.Struct, frozen=True, gc=False):
    """One image or video of the dataset, with its labels in pixels of exactly this file.

    Attributes:
        id: The item's id, or that plus the frame.
        parent: The item's id where this is a frame of it.
        name: File name stem, safe and unique in the dataset.
        path: The file, in the workspace.
        annotations: Labels that follow the file's size and time.
        labelled: False where nobody said what is in it; an empty, labelled sample is a true negative.
        dropped: Labels that could not follow, counted by reason code.
        frame: 0-based index in the source video.
        time_s: Likewise, in seconds of the source video.
        group: Its item's; samples of one group never straddle splits.
    """

    id: str
    name: str
    path: str
    sha256: str
    size_bytes: int
    info: MediaInfo
    split: str
    annotations: tuple[Annotation, ...] = ()
    label: str | None = None
    labelled: bool = False
    dropped: dict[str, int] = field(default_factory=dict)
    parent: str | None = None
    frame: int | None = None
    time_s: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    group: str | None = None


class ManifestRow(msgspec.Struct, frozen=True, gc=False):
    """One line of `manifest.jsonl`: a planned item, an archive's member, or a video's frame.

    Members and frames name their `parent`; frames alone have a `frame`. An archive says how many `members` it has.

    `elapsed_s` is part of the public row and stays null: times stand only in `export_summary.json`, so that the same
    input gives the same bytes.
    """

    id: str
    source: str
    status: str
    stage: str
    error_code: str | None = None
    error: str | None = None
    attempts: int = 0
    path: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    source_sha256: str | None = None
    media_type: str | None = None
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    split: str | None = None
    group: str | None = None
    annotations: tuple[Annotation, ...] | None = None
    recipe: str | None = None
    elapsed_s: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    members: int | None = None
    frame: int | None = None
    time_s: float | None = None
    action: str | None = None
    reason: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    robots: str | None = None
    dropped_streams: dict[str, int] = field(default_factory=dict)
    quality: Quality | None = None
