"""Encoders in graphics cards: whether one works here, and what the settings of software come to for it.

An ffmpeg lists what it was built with, also where there is no such card, no driver, or no session left on it. So two
frames are encoded before anything else is, once per process.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import ffmpeg

from rushes.errors import MediaLimitsError, TranscodingFailedError
from rushes.video.binaries import find
from rushes.video.limits import UNLIMITED
from rushes.video.process import run

__all__ = ["HARDWARE", "Hardware", "trouble"]

_TIMEOUT_S = 60.0
# Cards refuse pictures of less than 145x49 or so.
_SIZE = "640x360"
_P = ("p1", "p1", "p2", "p3", "p3", "p4", "p5", "p6", "p7")
_QSV = ("veryfast", "veryfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_SOFTWARE = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
_EIGHT_BITS = {"nvenc": "yuv420p", "qsv": "nv12", "vaapi": "nv12", "videotoolbox": "yuv420p"}


class Hardware(NamedTuple):
    """One encoder.

    Attributes:
        codec: What it makes: h264 or hevc.
        kind: Whose cards it is for: nvenc, qsv, vaapi or videotoolbox.
    """

    codec: str
    kind: str

    @property
    def name(self) -> str:
        """What ffmpeg calls it."""
        return f"{self.codec}_{self.kind}"

    @property
    def software(self) -> str:
        """What makes the same codec anywhere."""
        return "libx264" if self.codec == "h264" else "libx265"

    def takes(self, pixel_format: str) -> str | None:
        """Returns the layout in which it takes frames of a pixel format, or None where it does not."""
        ten_bits = {"yuv420p10le": "p010le"} if self.codec == "hevc" else {}
        colourful = {"yuv444p": "yuv444p"} if self.kind == "nvenc" else {}
        return {"yuv420p": _EIGHT_BITS[self.kind], **ten_bits, **colourful}.get(pixel_format)

    def upload(self, pixel_format: str) -> list[str]:
        """Returns the filters that bring a frame to where it is encoded."""
        return [f"format={self.takes(pixel_format)}", "hwupload"] if self.kind == "vaapi" else []

    def options(self, preset: str, crf: int, pixel_format: str) -> dict[str, Any]:
        """Returns the options that stand for those of x264 and x265.

        All count quality like these, 0 to 51, and take 0 for "as you like":

        - nvenc: `cq`, a target quality within a variable rate without a limit; presets p1 (fastest) to p7, as ffmpeg's
          help for it describes them.
        - qsv: `global_quality`, which without look-ahead is ICQ, "intelligent constant quality" (ffmpeg-codecs, QSV
          encoders); x264's names for presets, from veryfast on.
        - vaapi: `qp`, a constant quantiser, which all drivers know; what their speeds mean differs, so none is set.
        - videotoolbox: `q:v`, which counts from 100 down to 1 and is known by Apple's own processors only; no presets.
        """
        place = _SOFTWARE.index(preset) if preset in _SOFTWARE else _SOFTWARE.index("medium")
        match self.kind:
            case "nvenc":
                own: dict[str, Any] = {"preset": _P[place], "rc": "vbr", "cq": max(1, crf), "b:v": 0}
            case "qsv":
                own = {"preset": _QSV[place], "global_quality": max(1, crf)}
            case "vaapi":
                # The only device that there is goes to the filter, too.
                return {"c:v": self.name, "init_hw_device": "vaapi", "rc_mode": "CQP", "qp": max(1, crf)}
            case _:
                own = {"q:v": max(1, round(100 * (1 - crf / 51)))}
        return {"c:v": self.name, **own, "pix_fmt": self.takes(pixel_format)}


_ALL = (Hardware(codec, kind) for codec in ("h264", "hevc") for kind in ("nvenc", "qsv", "vaapi", "videotoolbox"))
HARDWARE = {one.name: one for one in _ALL}
"""By ffmpeg's names."""


def trouble(hardware: Hardware, pixel_format: str) -> str | None:
    """Returns why an encoder cannot make such pictures here, or None where it can."""
    if hardware.takes(pixel_format) is None:
        return f"it makes no {pixel_format}"
    return _tried(find("ffmpeg"), hardware, pixel_format)


@cache
def _tried(program: Path, hardware: Hardware, pixel_format: str) -> str | None:
    try:
        done = run(_two_frames(program, hardware, pixel_format), timeout_s=_TIMEOUT_S, limits=UNLIMITED)
    except (MediaLimitsError, TranscodingFailedError) as error:
        return str(error)
    return done.last_words() if done.code else None


def _two_frames(program: Path, hardware: Hardware, pixel_format: str) -> list[str]:
    grey = ffmpeg.input("file:/dev/zero", f="rawvideo", pix_fmt="yuv420p", s=_SIZE, r=25)
    options = hardware.options("medium", 28, pixel_format)
    upload = hardware.upload(pixel_format)
    filters = {"vf": ",".join(upload)} if upload else {}
    made = ffmpeg.output(grey["v:0"], "-", f="null", **options, **filters, **{"frames:v": 2})
    command: list[str] = made.global_args("-nostdin", "-hide_banner", "-nostats", "-loglevel", "error").compile(
        cmd=str(program)
    )
    return command
