"""Clips whose frames can be told apart: frame k is one flat colour, `colour(k)`."""

from __future__ import annotations

import math
import subprocess
from pathlib import Path

from PIL import Image

from rushes.video.binaries import find

LEVELS = (30, 128, 226)
RATE = 10


def colour(index: int) -> tuple[int, int, int]:
    """One of 27 colours, far enough apart to survive any codec."""
    return LEVELS[index % 3], LEVELS[index // 3 % 3], LEVELS[index // 9 % 3]


def number(image: Path) -> int:
    """Which frame, modulo 27, an image shows."""
    with Image.open(image) as picture:
        middle = picture.convert("RGB").getpixel((picture.width // 2, picture.height // 2))
    assert isinstance(middle, tuple)
    digits = [min(range(3), key=lambda level: abs(LEVELS[level] - value)) for value in middle]
    return digits[0] + 3 * digits[1] + 9 * digits[2]


def ffmpeg(*arguments: str | Path, feed: bytes | None = None) -> None:
    command = [find("ffmpeg"), "-nostdin", "-v", "error", "-y", *arguments]
    if feed is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=feed, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


def coloured(path: Path, *options: str, frames: int = 20, width: int = 64, height: int = 48) -> Path:
    """Makes a clip of flat colours at ten frames a second; H.264 with B-frames unless options say otherwise."""
    feed = b"".join(bytes(colour(index)) * (width * height) for index in range(frames))
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(RATE), "-i", "-"]
    ffmpeg(*raw, *(options or ("-c:v", "libx264", "-bf", "3", "-pix_fmt", "yuv420p")), path, feed=feed)
    return path


def halves(path: Path, width: int = 96, height: int = 64) -> Path:
    """Makes a clip that is red on the left and blue on the right."""
    row = bytes((220, 20, 20)) * (width // 2) + bytes((20, 20, 220)) * (width // 2)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(RATE), "-i", "-"]
    ffmpeg(*raw, "-c:v", "libx264", "-pix_fmt", "yuv420p", path, feed=row * height * 5)
    return path


def card(path: Path, *options: str, size: str = "128x96", seconds: float = 1.0, sound: bool = False) -> Path:
    """Makes a clip of ffmpeg's test card, with a tone if asked for."""
    tone = ["-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", "aac"] if sound else []
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={size}:d={seconds}:r=25"]
    inputs, codec = [*picture, *tone[:4]], tone[4:]
    ffmpeg(*inputs, *codec, *(options or ("-c:v", "libx264", "-pix_fmt", "yuv420p")), path)
    return path


def turned(path: Path, source: Path, clockwise: float) -> Path:
    """Copies an mp4 that a player is to turn: the matrix in its track's header says so (ISO/IEC 14496-12, 8.3.2)."""
    cos, sin = math.cos(math.radians(clockwise)), math.sin(math.radians(clockwise))
    content = bytearray(source.read_bytes())
    start = content.index(b"tkhd") + 44
    for offset, value in ((0, cos), (4, sin), (12, -sin), (16, cos)):
        content[start + offset : start + offset + 4] = round(value * 65536).to_bytes(4, "big", signed=True)
    path.write_bytes(content)
    return path
