"""The whole of a pipeline file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from rushes.config.about import About
from rushes.config.download import DownloadConfig
from rushes.config.export import ExportConfig
from rushes.config.media import BUILT_IN, FramesConfig, Profile, Transcode, frames_by_name
from rushes.config.section import NAME, Section, Size, expand, wrong
from rushes.layouts import layout_of
from rushes.video.config import QualityCheck, TranscodeConfig

__all__ = ["Pipeline", "RunConfig"]


def _share_or_whole(value: float) -> float:
    if value > 1 and value != int(value):
        raise ValueError("expected a share of one, like 0.5, or a whole number: Ray counts no others")
    return value


ResourceAmount = Annotated[float, Field(gt=0), AfterValidator(_share_or_whole)]


class RunConfig(Section):
    """How the work is cut, and when a run counts as failed."""

    batch_size: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    """Items in one batch; auto cuts by expected cost."""
    transcode_cores: int = Field(1, ge=1, le=256)
    """Cores of one node that a batch of transcodes takes on Ray, and ffmpegs that it then runs at a time."""
    transcode_memory: Size | None = None
    """Memory of the node that a batch of transcodes reserves on Ray, in bytes or like 2GiB; empty reserves none."""
    transcode_resources: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")], ResourceAmount] = Field(
        default_factory=dict
    )
    """What else of its node a batch of transcodes takes on Ray: a share of one or whole ones, like gpu_encoder: 0.5."""
    max_failed: float = Field(0.05, ge=0, le=1)
    """Share of failed and quarantined items above which the run fails."""
    show_pictures: bool = True
    """Show some small pictures of the dataset in Prefect, which keeps them in its database."""

    @property
    def reserves(self) -> list[str]:
        """The keys that say what Ray is to reserve for a batch of transcodes."""
        keys, default = ("transcode_cores", "transcode_memory", "transcode_resources"), type(self)()
        return [f"run.{key}" for key in keys if getattr(self, key) != getattr(default, key)]

    @field_validator("transcode_resources")
    @classmethod
    def _of_its_own(cls, value: dict[str, float]) -> dict[str, float]:
        keys = {"CPU": "run.transcode_cores", "memory": "run.transcode_memory"}
        for name, key in keys.items():
            if name in value:
                raise wrong((name,), value[name], f"expected in {key}")
        return value


class Pipeline(Section):
    """One dataset: where its items come from, what becomes of them, and where it goes."""

    name: str = Field(pattern=NAME, max_length=100)
    """Name of the dataset: lower case letters, digits, dot, dash and underscore."""
    source: str = Field(min_length=1)
    """CSV, JSONL, YAML or Parquet file of items: path or URL; or a dataset: folder, COCO document or YAML."""
    workspace: str = Field("./work", min_length=1)
    """Folder for the store and the ledgers: a path that all workers share, or s3://, gs:// or sftp://."""
    output: str | None = None
    """Folder of the dataset: path, s3://, gs:// or sftp://; empty is datasets/NAME in the workspace."""
    download: DownloadConfig = DownloadConfig()
    profiles: dict[Annotated[str, Field(pattern=NAME)], Profile] = Field(default_factory=dict)
    """Profiles of your own by name, for that of `transcode`, like {"small": {"profile": "mobile", "crf": 30}}."""
    transcode: Transcode | None = None
    """What becomes of each video; none leaves media as they are."""
    frames: FramesConfig | None = Field(None, json_schema_extra=frames_by_name)
    """Which frames of videos become pictures, for formats that hold pictures; none takes none."""
    export: ExportConfig = ExportConfig()
    about: About = About()
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
        if not layout_of(value.format).images and others.data.get("frames") is not None:
            raise wrong(("format",), value.format, "expected no `frames` beside it: a videofolder holds videos whole")
        return value

    @field_validator("export")
    @classmethod
    def _beside_a_folder(cls, value: ExportConfig, others: ValidationInfo) -> ExportConfig:
        place = others.data.get("output") or others.data.get("workspace") or ""
        for key, asked in (("bag", value.bag), ("mhl", value.mhl)):
            if asked and "://" in place:
                expected = "expected an output in a folder, because this stands beside it and is made of its files"
                raise wrong((key,), asked, expected)
        return value

    @field_validator("profiles")
    @classmethod
    def _not_built_in(cls, value: dict[str, Profile]) -> dict[str, Profile]:
        for name in value:
            if name in BUILT_IN:
                raise wrong((name,), name, "built in, and the same everywhere; expected another name")
        return value

    @field_validator("transcode")
    @classmethod
    def _known_profile(cls, value: Transcode | None, others: ValidationInfo) -> Transcode | None:
        known = [*BUILT_IN, *others.data.get("profiles", (value.profile,) if value else ())]
        if value is not None and value.profile not in known:
            raise wrong(("profile",), value.profile, f"expected one of {', '.join(known)}")
        return value

    @model_validator(mode="after")
    def _without_conflict(self) -> Pipeline:
        config = self.transcode_config
        if config is not None and (conflict := config.conflict()):
            field, expected = conflict
            raise wrong(("transcode", field), getattr(config, field), expected)
        return self

    @model_validator(mode="after")
    def _keeps_its_source(self) -> Pipeline:
        output = self.output or f"{self.workspace.rstrip('/')}/datasets/{self.name}"
        if _holds(output, self.source):
            expected = f"expected what does not lie in the output, {output}, because a new dataset replaces that"
            raise wrong(("source",), self.source, expected)
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


def _absolute(place: str) -> str:
    return place.rstrip("/") if "://" in place else str(Path(place).absolute())


def _holds(output: str, place: str) -> bool:
    if "://" in output or "://" in place:
        return f"{place.rstrip('/')}/".startswith(f"{output.rstrip('/')}/")
    return Path(place).resolve().is_relative_to(Path(output).resolve())
