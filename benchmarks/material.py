"""What the benchmarks feed on: clips and pictures with distinct bytes, made once and kept."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from rushes.video.binaries import find

__all__ = ["PICTURE_SIZE", "clips", "padded", "pictures", "random_files", "sha256", "small_clips"]

PICTURE_SIZE = (320, 240)
_KINDS = ("testsrc2", "mandelbrot", "testsrc2=alpha=128", "mandelbrot=maxiter=300")
# Three in four are mp4, as in most lists.
_SMALL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mp4", ("-c:v", "libx264", "-c:a", "aac")),
    ("mp4", ("-c:v", "libx264", "-c:a", "aac", "-movflags", "+faststart")),
    ("mp4", ("-c:v", "libx264", "-profile:v", "baseline", "-c:a", "aac")),
    ("mkv", ("-c:v", "libx264", "-c:a", "aac")),
    ("mp4", ("-c:v", "libx264", "-an")),
    ("mp4", ("-c:v", "libx265", "-x265-params", "log-level=none", "-c:a", "aac")),
    ("mp4", ("-c:v", "libx264", "-preset", "slow", "-c:a", "aac")),
    ("webm", ("-c:v", "libvpx", "-c:a", "libopus")),
    ("mp4", ("-c:v", "libx264", "-g", "12", "-c:a", "aac")),
    ("mp4", ("-c:v", "mpeg4", "-c:a", "aac")),
    ("mp4", ("-c:v", "libx264", "-tune", "zerolatency", "-c:a", "aac")),
    ("ts", ("-c:v", "libx264", "-c:a", "aac")),
)
_DRAWN = 500
_BLOCK_BYTES = 1_000_000
_QUALITY = 70  # noise of this size and quality makes JPEG files of about 50 KB


def clips(folder: Path, number: int, duration_s: float) -> list[Path]:
    """Makes 1080p clips with sound: a few are encoded, the others are their copies under another title."""
    originals = [_clip(folder, kind, duration_s) for kind in range(min(number, len(_KINDS)))]
    made = []
    for index in range(number):
        original = originals[index % len(originals)]
        path = folder / f"clip-{duration_s:g}s-{index:04}.mp4"
        if not path.exists():
            _ffmpeg("-i", str(original), "-c", "copy", "-metadata", f"title={index}", str(path))
        made.append(path)
    return made


def small_clips(folder: Path, number: int, size: str, duration_s: float = 2.0) -> list[Path]:
    """Makes clips of a few codecs and containers; a dozen are encoded, the others are their copies."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for index in range(number):
        kind = index % len(_SMALL)
        suffix, options = _SMALL[kind]
        path = folder / f"small-{size}-{index:05}.{suffix}"
        if not path.exists() and index == kind:
            picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={duration_s}")
            sound = ("-f", "lavfi", "-i", f"sine=duration={duration_s}")
            _ffmpeg(*picture, *sound, *options, "-pix_fmt", "yuv420p", str(path))
        elif not path.exists():
            shutil.copyfile(made[kind], path)
        made.append(path)
    return made


def pictures(folder: Path, number: int) -> list[Path]:
    """Makes JPEG files of noise over a picture, about 50 KB each."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"picture-{index:05}.jpg" for index in range(number)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(_picture, range(number), paths))
    return paths


def padded(folder: Path, number: int, size_bytes: int = 50_000) -> list[Path]:
    """Makes pictures of exactly this length, all different: some are drawn, the others differ in their padding."""
    drawn = [path.read_bytes() for path in pictures(folder / "drawn", min(number, _DRAWN))]
    paths = [folder / f"padded-{index:06}.jpg" for index in range(number)]
    for index, path in enumerate(paths):
        if not path.exists():
            picture = drawn[index % _DRAWN]
            path.write_bytes(picture + index.to_bytes(size_bytes - len(picture), "big"))
    return paths


def random_files(folder: Path, number: int, size_bytes: int = 500_000_000) -> list[Path]:
    """Makes files of random bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"random-{index:03}.mp4" for index in range(number)]
    for path in paths:
        if not path.exists():
            with path.open("wb") as file:
                for _ in range(size_bytes // _BLOCK_BYTES):
                    file.write(os.urandom(_BLOCK_BYTES))
    return paths


def sha256(path: Path) -> str:
    """Returns the hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _picture(seed: int, path: Path) -> None:
    if not path.exists():
        width, height = PICTURE_SIZE
        noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, "JPEG", quality=_QUALITY)
        path.write_bytes(buffer.getvalue())


def _clip(folder: Path, kind: int, duration_s: float) -> Path:
    path = folder / f"original-{duration_s:g}s-{kind}.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        source = _KINDS[kind] + ("=" if "=" not in _KINDS[kind] else ":") + "size=1920x1080:rate=25"
        video = ("-f", "lavfi", "-i", source, "-vf", "noise=alls=4:allf=t", "-c:v", "libx264", "-preset", "superfast")
        sound = ("-f", "lavfi", "-i", f"sine=frequency={300 + 100 * kind}:sample_rate=48000", "-c:a", "aac")
        inputs, outputs = (*video[:4], *sound[:4]), (*video[4:], "-b:v", "6M", "-pix_fmt", "yuv420p", *sound[4:])
        _ffmpeg(*inputs, *outputs, "-t", str(duration_s), str(path))
    return path


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([str(find("ffmpeg")), "-nostdin", "-loglevel", "error", "-y", *arguments], check=True)
