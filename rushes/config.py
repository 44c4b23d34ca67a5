"""The pipeline file, which is also the flows' parameter and the form that the Prefect UI shows."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from rushes.errors import ConfigError
from rushes.video.config import PROFILES, QualityCheck, Still, TranscodeConfig, parse_resolution

__all__ = [
    "FORMATS",
    "RESERVED",
    "VIDEO_FORMATS",
    "DownloadConfig",
    "ExportConfig",
    "FramesConfig",
    "Pipeline",
    "Profile",
    "RunConfig",
    "Timeouts",
    "Transcode",
    "Unpack",
    "expand",
]

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}


def _parse_size(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", value)
    if match is None or match[2].lower() not in _UNITS:
        raise ValueError("expected a size like 500MB or 20GiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


_SIZE_SCHEMA = {
    "anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^[0-9.]+ *[A-Za-z]*$"}]
}
Size = Annotated[int, BeforeValidator(_parse_size), Field(gt=0), WithJsonSchema(_SIZE_SCHEMA)]

_SPEED_SCHEMA = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9.]+ *[A-Za-z]*$"}]}
Speed = Annotated[int, BeforeValidator(_parse_size), Field(ge=0), WithJsonSchema(_SPEED_SCHEMA)]


def expand(text: str, where: str) -> str:
    """Returns the text with each `${VAR}` replaced from the environment.

    Raises:
        ConfigError: A variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise ConfigError(f"{where}: environment variable {match[1]} is not set; export it, or write the value.")
        return os.environ[match[1]]

    return re.sub(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", value, text)


class Section(BaseModel):
    """A part of the pipeline file: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


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


_NAME = r"^[a-z0-9][a-z0-9._-]*$"
_BUILT_IN = (*PROFILES, "none")
# The form offers the built-in ones, and room for the name of one's own.
_PROFILE_SCHEMA = {"anyOf": [{"type": "string", "enum": [*_BUILT_IN]}, {"type": "string", "pattern": _NAME}]}


class Quality(Section):
    """Which transcodes are compared with their sources."""

    sample: float = Field(0.02, gt=0, le=1)
    """Share of them, chosen by their content."""
    metric: Literal["auto", "vmaf", "ssim"] = "auto"
    """vmaf, 0 to 100, or ssim, 0 to 1; auto takes vmaf where ffmpeg has it."""


class Transcode(Section):
    """What becomes of each video: a profile, and any field of TranscodeConfig on top of it."""

    profile: Annotated[str, WithJsonSchema(_PROFILE_SCHEMA)] = "none"
    """Where the fields below start from: built in, or of `profiles`; none is TranscodeConfig's own defaults."""
    vcodec: (
        Literal[
            "libx264",
            "libx265",
            "h264_nvenc",
            "h264_qsv",
            "h264_vaapi",
            "h264_videotoolbox",
            "hevc_nvenc",
            "hevc_qsv",
            "hevc_vaapi",
            "hevc_videotoolbox",
        ]
        | None
    ) = None
    """Video encoder; one in a graphics card that does not work is replaced by the software for its codec."""
    preset: (
        Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"] | None
    ) = None
    """Encoder speed against file size."""
    crf: int | None = Field(None, ge=0, le=51)
    """Constant rate factor: 18 looks like the source, 28 is small."""
    acodec: Literal["aac", "libopus"] | None = None
    """Audio encoder."""
    audio_bitrate: str | None = Field(None, pattern=r"^[1-9][0-9]{0,3}k$")
    """Like 128k."""
    movflags: str | None = Field(None, pattern=r"^[+a-z_]+$")
    """Flags of the mp4 muxer."""
    pix_fmt: Literal["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "yuv444p10le"] | None = None
    """Bits and colour resolution of the picture; players take yuv420p, and of HEVC yuv420p10le."""
    hdr: Literal["auto", "tonemap", "keep"] | None = None
    """What becomes of high dynamic range: auto tones it down where ffmpeg can, tonemap refuses it where not."""
    resolution: str | None = None
    """WIDTHxHEIGHT box that the picture must fit into."""
    upscale: bool | None = None
    """Enlarge pictures that are smaller than resolution."""
    fps: float | None = Field(None, gt=0, le=240)
    """Constant frame rate; empty keeps every frame and its time."""
    start_time: float | None = Field(None, ge=0)
    """Where to begin, in seconds."""
    duration: float | None = Field(None, gt=0)
    """How much to take, in seconds."""
    check: Literal["decode", "keyframes"] | None = None
    """What must decode of a stream before it is copied: all of it, or, ten times faster, its key frames."""
    split_s: float | None = Field(None, ge=0)
    """A longer video is encoded in chunks of about so many seconds, side by side on all workers; 0 in one pass."""
    max_duration_s: float | None = Field(None, gt=0)
    """A video of which more seconds than this are to be transcoded is refused."""
    max_time_s: float | None = Field(None, gt=0)
    """How long ffmpeg may take over one video, in seconds."""
    quality: Quality | None = None
    """Compare a sample of what is encoded with its sources, five seconds each; empty compares none."""

    @field_validator("resolution")
    @classmethod
    def _resolution(cls, value: str | None) -> str | None:
        if value is not None:
            parse_resolution(value)
        return value

    def config(self, profiles: Mapping[str, Profile] | None = None) -> TranscodeConfig:
        """Returns the settings that this section stands for, its profile looked up among those of the user first."""
        own = (profiles or {}).get(self.profile)
        start = own.config() if own else PROFILES.get(self.profile, TranscodeConfig())
        given = {
            key: value for key, value in self.model_dump(exclude={"profile", "quality"}).items() if value is not None
        }
        return replace(start, **given)


class Profile(Transcode):
    """A profile of the user's own: fields of TranscodeConfig, on top of a built-in profile."""

    profile: Literal["web", "archive", "mobile", "none"] = "none"
    """The built-in profile that the fields start from; none is TranscodeConfig's own defaults."""
    quality: None = None
    """Of `transcode` alone, because it changes nothing of what is made."""


class FramesConfig(Section):
    """Which frames of a video stand in an image dataset: exactly one of the three."""

    every_s: float | None = Field(None, gt=0)
    """One frame every so many seconds."""
    annotated: bool = False
    """The frames that carry labels."""
    keyframes: bool = False
    """The frames that the encoder coded whole."""
    format: Literal["jpeg", "png"] = "jpeg"
    """Of the pictures: jpeg, or png, which loses nothing and takes eight times the room."""
    quality: int = Field(2, ge=2, le=31)
    """JPEG quantiser: 2 is best, 31 is smallest; a png has none."""

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return {value: True} if value in ("annotated", "keyframes") else value

    @model_validator(mode="after")
    def _exactly_one(self) -> FramesConfig:
        if (self.every_s is not None) + self.annotated + self.keyframes != 1:
            raise ValueError("expected exactly one of every_s, annotated and keyframes")
        return self

    @property
    def still(self) -> Still:
        """How frames are written."""
        return Still(self.format, self.quality)


def _frames_by_name(schema: dict[str, Any]) -> None:
    """Tells Prefect, which checks parameters against the schema, that a name is enough."""
    schema["anyOf"].append({"type": "string", "enum": ["annotated", "keyframes"]})


FORMATS = (
    "yolo",
    "yolo-seg",
    "yolo-pose",
    "yolo-obb",
    "coco",
    "voc",
    "dm",
    "dm-v1",
    "imagefolder",
    "videofolder",
    "webdataset",
    "csv",
)
"""Layouts of a dataset that are built in."""
RESERVED = (
    "categories",
    "classes",
    "export_items",
    "format",
    "media",
    "name",
    "output",
    "path_root",
    "run",
    "self",
    "shard_bytes",
    "split",
)
"""Parameters that every exporter has, or that its constructor has."""
_EXPORTER = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def _known_format(value: str) -> str:
    if value not in FORMATS and not re.fullmatch(_EXPORTER, value):
        raise ValueError(f"expected one of {', '.join(FORMATS)}, or an exporter of your own as module:Class")
    return value


_FORMAT_SCHEMA = {"anyOf": [{"type": "string", "enum": [*FORMATS]}, {"type": "string", "pattern": _EXPORTER}]}
VIDEO_FORMATS = frozenset({"csv", "dm", "dm-v1", "videofolder", "webdataset"})
"""Formats that hold videos whole, where no frames are asked for."""


class ExportConfig(Section):
    """What the dataset looks like."""

    format: Annotated[str, AfterValidator(_known_format), WithJsonSchema(_FORMAT_SCHEMA)] = "yolo"
    """Layout of the dataset; or an exporter of one's own, as module:Class."""
    code: str | None = None
    """Folder in which the module of such an exporter is looked for first; empty is that of the pipeline file."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of an exporter of one's own."""
    classes: tuple[str, ...] | dict[str, tuple[str, ...]] | None = None
    """Class names in order; or new names, each with the old ones it takes in; empty takes the source's order."""
    drop_classes: tuple[str, ...] = ()
    """Classes of the source whose labels are left out."""
    required_classes: tuple[str, ...] = ()
    """Classes of which the dataset must have at least one label."""
    allow_class_drift: bool | Literal["append"] = False
    """Whether classes may be other ones than in the dataset that stands at the output; append: new ones at the end."""
    split: dict[Literal["train", "val", "test"], Annotated[float, Field(ge=0, le=1)]] = {
        "train": 0.8,
        "val": 0.2,
    }
    """Share of the groups in each split; an item's own split column goes first."""
    split_by: str | None = Field(None, min_length=1)
    """Column to deal by: items of one value stay together, and a value that is the name of a split is that split."""
    stratify: Literal["label"] | None = None
    """Give each split its share of every class, and leave items where they are; empty deals by the hash alone."""
    strict: bool = False
    """Fail the run where a label would be left out or changed, and the pipeline does not ask for that."""
    media: Literal["auto", "copy", "link"] = "auto"
    """How files get into the dataset: auto links where the disk allows it."""
    shard_bytes: Size = 10**9
    """Largest shard of a webdataset, like 1GB; one sample alone may be larger."""

    @field_validator("params")
    @classmethod
    def _free(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in value:
            if name in RESERVED:
                raise _wrong(
                    (name,), value[name], "rushes gives every exporter one of this name; expected another name"
                )
        return value

    @field_validator("split")
    @classmethod
    def _whole(cls, value: dict[str, float]) -> dict[str, float]:
        if abs(sum(value.values()) - 1) > 1e-6:
            raise ValueError(f"expected shares that add up to 1, not {sum(value.values()):g}")
        return value


class RunConfig(Section):
    """How the work is cut, and when a run counts as failed."""

    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Items in one batch; auto cuts by expected cost."""
    transcode_cores: int = Field(1, ge=1, le=256)
    """Cores of one node that a batch of transcodes takes on Ray, and ffmpegs that it then runs at a time."""
    max_failed: float = Field(0.05, ge=0, le=1)
    """Share of failed and quarantined items above which the run fails."""


class Pipeline(Section):
    """One dataset: where its items come from, what becomes of them, and where it goes."""

    name: str = Field(pattern=_NAME, max_length=100)
    """Name of the dataset: lower case letters, digits, dot, dash and underscore."""
    source: str = Field(min_length=1)
    """CSV or JSONL file of items: path or URL; or a dataset: a COCO document, or the folder of a dataset."""
    workspace: str = Field("./work", min_length=1)
    """Folder for the store and the ledgers: a path that all workers share, or s3://, gs:// or sftp://."""
    output: str | None = None
    """Folder of the dataset: path, s3://, gs:// or sftp://; empty is <workspace>/datasets/<name>."""
    download: DownloadConfig = DownloadConfig()
    profiles: dict[Annotated[str, Field(pattern=_NAME)], Profile] = Field(default_factory=dict)
    """Profiles by name, for `transcode.profile`."""
    transcode: Transcode | None = None
    frames: FramesConfig | None = Field(None, json_schema_extra=_frames_by_name)
    export: ExportConfig = ExportConfig()
    run: RunConfig = RunConfig()

    @field_validator("output")
    @classmethod
    def _apart(cls, value: str | None, others: ValidationInfo) -> str | None:
        workspace = others.data.get("workspace")
        if value and workspace and _holds(value, workspace):
            raise ValueError("expected a folder that does not hold the workspace, because a new dataset replaces it")
        return value

    @field_validator("export")
    @classmethod
    def _whole_videos(cls, value: ExportConfig, others: ValidationInfo) -> ExportConfig:
        if value.format == "videofolder" and others.data.get("frames") is not None:
            raise _wrong(("format",), value.format, "expected no `frames` beside it: a videofolder holds videos whole")
        return value

    @field_validator("profiles")
    @classmethod
    def _not_built_in(cls, value: dict[str, Profile]) -> dict[str, Profile]:
        for name in value:
            if name in _BUILT_IN:
                raise _wrong((name,), name, "built in, and the same everywhere; expected another name")
        return value

    @field_validator("transcode")
    @classmethod
    def _known_profile(cls, value: Transcode | None, others: ValidationInfo) -> Transcode | None:
        known = [*_BUILT_IN, *others.data.get("profiles", (value.profile,) if value else ())]
        if value is not None and value.profile not in known:
            raise _wrong(("profile",), value.profile, f"expected one of {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _without_conflict(self) -> Pipeline:
        config = self.transcode_config
        if config is not None and (conflict := config.conflict()):
            field, expected = conflict
            raise _wrong(("transcode", field), getattr(config, field), expected)
        return self

    @property
    def transcode_config(self) -> TranscodeConfig | None:
        """What becomes of each video; None leaves media as they are."""
        return self.transcode.config(self.profiles) if self.transcode else None

    @property
    def quality_check(self) -> QualityCheck | None:
        """Which transcodes are compared with their sources; None where none are."""
        asked = self.transcode.quality if self.transcode else None
        return QualityCheck(asked.sample, asked.metric) if asked else None

    @property
    def workspace_place(self) -> str:
        """The workspace as an absolute path, or as the URL of a storage with its credentials."""
        return _absolute(expand(self.workspace, "workspace"))

    @property
    def output_place(self) -> str:
        """The dataset's folder, likewise."""
        return (
            _absolute(expand(self.output, "output")) if self.output else f"{self.workspace_place}/datasets/{self.name}"
        )


def _wrong(keys: tuple[str, ...], value: object, expected: str) -> ValidationError:
    """Returns the error for a value inside of the one that is being validated."""
    details = InitErrorDetails(
        type=PydanticCustomError("value_error", "{text}", {"text": expected}), loc=keys, input=value
    )
    return ValidationError.from_exception_data("Pipeline", [details])


def _absolute(place: str) -> str:
    return place.rstrip("/") if "://" in place else str(Path(place).absolute())


def _holds(output: str, workspace: str) -> bool:
    if "://" in output or "://" in workspace:
        return f"{workspace.rstrip('/')}/".startswith(f"{output.rstrip('/')}/")
    return Path(workspace).resolve().is_relative_to(Path(output).resolve())
