"""The parts of a pipeline file that say what becomes of videos: encoded anew, and cut into pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from rushes.config.section import NAME, Section
from rushes.video.config import PROFILES, Still, TranscodeConfig, parse_resolution

__all__ = ["BUILT_IN", "FramesConfig", "Profile", "Quality", "Transcode", "frames_by_name"]

BUILT_IN = (*PROFILES, "none")
# The form offers the built-in ones, and room for the name of one's own.
_PROFILE_SCHEMA = {
    "anyOf": [
        {"type": "string", "title": "built in", "enum": [*BUILT_IN]},
        {"type": "string", "title": "of your own", "pattern": NAME},
    ]
}


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


def frames_by_name(schema: dict[str, Any]) -> None:
    """Tells Prefect, which checks parameters against the schema, that a name is enough."""
    schema["anyOf"].append({"type": "string", "title": "by name", "enum": ["annotated", "keyframes"]})
