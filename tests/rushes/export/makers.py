"""Media for exports, made on the spot: pictures that say which frame they are and where their object is."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from PIL import Image

from rushes.config import Pipeline
from rushes.jsonl import write_lines
from rushes.labels import Annotation
from rushes.pipeline_file import validate
from rushes.records import Media, MediaInfo, Outcome, Source, Verified
from rushes.video.binaries import find
from rushes.workspace import Batch, Workspace

FPS = 10
WIDTH, HEIGHT = 160, 96
SQUARE = 24


def pipeline(workspace: Workspace, **settings: object) -> Pipeline:
    """Returns a pipeline with these settings on top of the defaults."""
    return validate({"name": "made", "source": "items.csv", "workspace": str(workspace.root)} | settings, "test")


def batch(workspace: Workspace, outcomes: Sequence[Outcome], name: str = "0000", run: str = "run") -> Batch:
    """Writes outcomes to a plan of their own."""
    plan = f"runs/{run}/{name}.plan.jsonl"
    return Batch(name, run, plan, 0, write_lines(workspace.path(plan), outcomes))


def image(workspace: Workspace, source: Source, size: tuple[int, int] = (WIDTH, HEIGHT), suffix: str = ".png") -> Media:
    """Stores an image; its colour depends on the item's id, so that no two are the same file."""
    colour = tuple(hashlib.sha256(source.id.encode()).digest()[:3])
    path = workspace.path(f"media/{source.id.replace('/', '_')}{suffix}")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (colour[0], colour[1], colour[2])).save(path)
    info = MediaInfo({".png": "image/png", ".jpg": "image/jpeg"}[suffix], *size)
    return _media(workspace, source, path, info)


def video(workspace: Workspace, source: Source, frames: int = 20) -> Media:
    """Stores a video at 10 frames a second: frame k is 8 k + 20 dark, and bears a white square at `square(k)`."""
    path = workspace.path(f"media/{source.id}.mp4")
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = b"".join(picture(frame).tobytes() for frame in range(frames))
    argv = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "-"]
    _ffmpeg(
        [*argv, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8", "-g", "8", "-pix_fmt", "yuv420p"], path, raw
    )
    info = MediaInfo("video/mp4", WIDTH, HEIGHT, duration_s=frames / FPS, fps=FPS, frames=frames, video_codec="h264")
    return _media(workspace, source, path, info)


def transcoded(workspace: Workspace, media: Media, size: tuple[int, int], begin: Sequence[str] = ()) -> Media:
    """Returns the video as ffmpeg makes it, beginning there."""
    path = workspace.path(f"derived/{media.verified.source.id}.mp4")
    path.parent.mkdir(parents=True, exist_ok=True)
    scale = ["-vf", f"scale={size[0]}:{size[1]}", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "8"]
    passed = ["-fps_mode", "vfr", "-enc_time_base:v", "1:10240"]
    _ffmpeg([*begin, "-i", str(workspace.path(media.path)), *scale, *passed], path)
    info = replace(media.info, width=size[0], height=size[1])
    made = _media(workspace, media.verified.source, path, info)
    return replace(
        made, verified=media.verified, source_info=media.info, action="transcoded", reason="asked for", recipe="other"
    )


def square(frame: int) -> tuple[float, float, float, float]:
    """Returns where the square of a frame is, as x, y, width, height."""
    return (4 + 5 * frame, 16 + frame, SQUARE, SQUARE)


def on_frame(frame: int) -> Annotation:
    """Returns the label of a frame's square."""
    return Annotation("square", box=square(frame), frame=frame)


def picture(frame: int) -> NDArray[np.uint8]:
    """Returns the pixels of a frame."""
    pixels = np.full((HEIGHT, WIDTH), 20 + 8 * frame, np.uint8)
    x, y, width, height = (int(value) for value in square(frame))
    pixels[y : y + height, x : x + width] = 255
    return pixels


def frame_shown(path: Path) -> int:
    """Returns which frame of `video` a picture shows, read off its lower left corner."""
    return round((float(pixels_of(path)[-6:-1, 1:6].mean()) - 20) / 8)


def pixels_of(path: Path) -> NDArray[np.float64]:
    """Returns the brightness of a picture's pixels, 0 to 255."""
    with Image.open(path) as opened:
        return np.asarray(opened.convert("L"), dtype=np.float64)


def _media(workspace: Workspace, source: Source, path: Path, info: MediaInfo) -> Media:
    content = path.read_bytes()
    sha256, relative = hashlib.sha256(content).hexdigest(), path.relative_to(workspace.root).as_posix()
    verified = Verified(source, relative, sha256, len(content))
    return Media(verified, relative, sha256, len(content), info, info, "kept", "nothing to do", "recipe")


def _ffmpeg(options: Sequence[str], path: Path, content: bytes = b"") -> None:
    argv = [str(find("ffmpeg")), "-hide_banner", "-v", "error", "-y", *options, "-an", str(path)]
    subprocess.run(argv, input=content, check=True)
