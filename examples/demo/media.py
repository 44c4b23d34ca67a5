"""Generated media whose truth is known: bright rectangles that move along lanes over a dark floor.

One formula, `boxes`, draws each picture and states its labels. The clips differ in what real ones differ in: container,
codec, size, rotation, frame spacing, sound. Equal calls give equal bytes with one ffmpeg.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rushes.video.binaries import find

__all__ = ["BACKGROUND", "CLIPS", "COLOURS", "PICTURES", "Clip", "DemoItem", "Picture", "boxes", "generate"]

Box = tuple[int, int, int, int]
Pixels = NDArray[np.uint8]

COLOURS = {"car": (225, 40, 40), "person": (40, 200, 70), "bicycle": (60, 100, 240)}
BACKGROUND = (44, 44, 48)

_EXIF_ORIENTATION = 0x0112
_TURN_RIGHT = 6  # EXIF: turn the stored picture a quarter clockwise to show it
_UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)  # ISO/IEC 14496-12, section 6.2.2
_BITEXACT = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1")
_H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p")
_AAC = ("-c:a", "aac", "-b:a", "64k")
# Uneven spacing, and a hole after frame 11 as if the camera had dropped frames.
_UNEVEN = ("-vf", "settb=1/1000,setpts=(N+0.35*mod(N\\,3)+4*gt(N\\,11))/12/TB")
_VFR = ("-fps_mode", "vfr", "-enc_time_base", "1:1000")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image to generate: its name, its upright size in pixels, and what is in it."""

    name: str
    width: int
    height: int
    labels: tuple[str, ...]
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """A video to generate.

    Attributes:
        name: File name; the suffix chooses the container.
        width: Upright width in pixels.
        height: Upright height in pixels.
        labels: What moves in it, one object per label.
        video: ffmpeg options of the video stream.
        audio: ffmpeg options of the sound; empty for none.
        turned: Whether it is stored lying on its side, with a display matrix that puts it upright.
        frames: Number of frames.
        fps: Frames per second.
        label_every: One frame in so many carries labels.
    """

    name: str
    width: int
    height: int
    labels: tuple[str, ...]
    video: tuple[str, ...]
    audio: tuple[str, ...] = ()
    turned: bool = False
    frames: int = 24
    fps: int = 12
    label_every: int = 2


@dataclass(frozen=True, slots=True)
class DemoItem:
    """One generated file and its truth.

    Attributes:
        name: File name.
        kind: video or image.
        width: Of the picture as stored, in pixels.
        height: Likewise.
        upright_width: Of the picture as shown, in pixels.
        upright_height: Likewise.
        frames: Number of frames; 1 for images.
        annotations: Labels as the source file takes them inline, in upright pixels.
    """

    name: str
    kind: str
    width: int
    height: int
    upright_width: int
    upright_height: int
    frames: int
    annotations: tuple[dict[str, Any], ...]


CLIPS = (
    Clip("street.mp4", 640, 360, ("car", "person"), _H264, _AAC),
    Clip("crossing.mkv", 480, 320, ("person", "bicycle"), ("-c:v", "libx265", "-preset", "veryfast", "-x265-params",
         "log-level=none:pools=1", "-pix_fmt", "yuv420p")),
    Clip("riverside.webm", 321, 243, ("bicycle",), ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8",
         "-b:v", "600k", "-pix_fmt", "yuv420p"), ("-c:a", "libopus", "-b:a", "48k")),
    Clip("park.avi", 352, 288, ("person", "car"), ("-c:v", "mpeg4", "-q:v", "3"), ("-c:a", "libmp3lame",)),
    Clip("studio.mov", 320, 240, ("car",), ("-c:v", "prores_ks", "-profile:v", "proxy"), ("-c:a", "pcm_s16le",)),
    Clip("broadcast.ts", 352, 288, ("car", "bicycle", "person"), ("-c:v", "mpeg2video", "-q:v", "3", "-bf", "0"),
         ("-c:a", "mp2",), frames=50, fps=25, label_every=4),
    Clip("harbour.flv", 320, 240, ("bicycle", "person"), ("-c:v", "flv1", "-q:v", "3")),
    Clip("phone.mp4", 270, 480, ("person", "car"), _H264, _AAC, turned=True),
    Clip("dashcam.mkv", 480, 270, ("car", "bicycle"), (*_H264, *_UNEVEN, *_VFR)),
    Clip("panorama.mp4", 1280, 720, ("car", "person", "bicycle"), _H264, _AAC),
    Clip("thumbnail.mp4", 175, 143, ("car",), (*_H264, "-pix_fmt", "yuv444p")),
)  # fmt: skip

PICTURES = (
    Picture("street.jpg", 640, 480, ("car", "person", "bicycle")),
    Picture("crossing.png", 400, 300, ("person", "bicycle")),
    Picture("phone.jpg", 240, 320, ("car", "person"), turned=True),
    Picture("odd.png", 333, 217, ("bicycle",)),
    Picture("nobody.jpg", 320, 240, ()),
)


def boxes(width: int, height: int, labels: Sequence[str], progress: float) -> list[tuple[str, Box]]:
    """Returns where each object is: one lane below the other, left to right and right to left in turn.

    Args:
        width: Of the upright picture, in pixels.
        height: Likewise.
        labels: One object each.
        progress: 0 at the first frame, 1 at the last.

    Returns:
        Label and x, y, width, height in whole pixels, always inside the picture.
    """
    lane = height // max(len(labels), 1)
    size = (width // 4, min(lane // 2, width // 4))
    placed = []
    for index, label in enumerate(labels):
        share = progress if index % 2 == 0 else 1 - progress
        x = width // 16 + int((width * 7 // 8 - size[0]) * share)
        y = lane * index + lane // 8 + int(lane // 4 * progress)
        placed.append((label, (x, y, *size)))
    return placed


def draw(width: int, height: int, objects: Sequence[tuple[str, Box]]) -> Pixels:
    """Returns the upright picture as an array of height, width and RGB: a tiled dark floor with the objects on it."""
    rows, columns = np.indices((height, width)) // 16
    floor = (rows + columns) % 2 * 8
    pixels: Pixels = (np.array(BACKGROUND) + floor[..., None]).astype(np.uint8)
    for label, (x, y, w, h) in objects:
        pixels[y : y + h, x : x + w] = COLOURS[label]
    return pixels


def generate(folder: Path) -> list[DemoItem]:
    """Makes what is missing of the set, and returns all of it with its truth.

    Args:
        folder: Where the files go; files that are there are kept.

    Raises:
        FFmpegNotFoundError: There is no ffmpeg.
        subprocess.CalledProcessError: ffmpeg failed; its own words are on standard error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda clip: _make(folder, clip), sorted(CLIPS, key=lambda clip: -clip.width)))
    for picture in PICTURES:
        _make(folder, picture)
    return [_item(spec) for spec in (*CLIPS, *PICTURES)]


def _make(folder: Path, spec: Clip | Picture) -> None:
    target = folder / spec.name
    if target.exists():
        return
    part = folder / f".part-{spec.name}"
    if isinstance(spec, Clip):
        _encode(part, spec)
    else:
        _save(part, spec)
    part.replace(target)


def _save(part: Path, picture: Picture) -> None:
    pixels = draw(picture.width, picture.height, boxes(picture.width, picture.height, picture.labels, 0.5))
    exif = Image.Exif()
    if picture.turned:
        exif[_EXIF_ORIENTATION] = _TURN_RIGHT
        pixels = np.rot90(pixels)
    Image.fromarray(pixels).save(part, quality=92, exif=exif)


def _encode(part: Path, clip: Clip) -> None:
    frames = [draw(clip.width, clip.height, _objects(clip, frame)) for frame in range(clip.frames)]
    stored = [np.rot90(frame) if clip.turned else frame for frame in frames]
    height, width, _ = stored[0].shape
    raw = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(clip.fps), "-i", "pipe:0")
    tone = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={clip.frames / clip.fps:g}")
    sound = (*tone, "-map", "0:v", "-map", "1:a", *clip.audio) if clip.audio else ()
    _ffmpeg(*raw, *sound, *clip.video, *_BITEXACT, str(part), stdin=b"".join(frame.tobytes() for frame in stored))
    if clip.turned:
        _turn(part, height)


def _turn(path: Path, stored_height: int) -> None:
    """Rewrites the display matrix in the track header of the video, which is the first: show it turned clockwise."""
    data = path.read_bytes()
    track = data.index(b"tkhd")
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, stored_height << 16, 0, 1 << 30)
    path.write_bytes(data[:track] + data[track:].replace(_UPRIGHT, turned, 1))


def _ffmpeg(*arguments: str, stdin: bytes = b"") -> None:
    command = [str(find("ffmpeg")), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, input=stdin, check=True)


def _objects(clip: Clip, frame: int) -> list[tuple[str, Box]]:
    return boxes(clip.width, clip.height, clip.labels, frame / (clip.frames - 1))


def _item(spec: Clip | Picture) -> DemoItem:
    upright = (spec.width, spec.height)
    stored = upright[::-1] if spec.turned else upright
    if isinstance(spec, Clip):
        kind, frames, labels = "video", spec.frames, _clip_labels(spec)
    else:
        kind, frames = "image", 1
        labels = tuple({"class": label, "box": list(box)} for label, box in boxes(*upright, spec.labels, 0.5))
    return DemoItem(spec.name, kind, *stored, *upright, frames, labels)


def _clip_labels(clip: Clip) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"class": label, "box": list(box), "frame": frame}
        for frame in range(0, clip.frames, clip.label_every)
        for label, box in _objects(clip, frame)
    )
