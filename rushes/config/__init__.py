"""The pipeline file, which is also the flows' parameter and the form that the Prefect UI shows."""

from __future__ import annotations

from rushes.config.about import About, Creator, Rai
from rushes.config.download import DownloadConfig, Timeouts, Unpack
from rushes.config.export import RESERVED, ExportConfig
from rushes.config.media import FramesConfig, Profile, Transcode
from rushes.config.pipeline import Pipeline, RunConfig
from rushes.config.section import expand

__all__ = [
    "RESERVED",
    "About",
    "Creator",
    "DownloadConfig",
    "ExportConfig",
    "FramesConfig",
    "Pipeline",
    "Profile",
    "Rai",
    "RunConfig",
    "Timeouts",
    "Transcode",
    "Unpack",
    "expand",
]
