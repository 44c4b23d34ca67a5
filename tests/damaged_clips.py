"""Clips that were damaged on the way, and what becomes of them; `python -m tests.damaged_clips` prints a table.

Each is a good clip with one kind of damage, chosen and placed by a seed. What a user must never have is a silent
success: media that are called ok, of which a part is missing or cannot be decoded, and nothing said about it.
"""

from __future__ import annotations

import hashlib
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rushes.errors import RushesError
from rushes.media import make_media
from rushes.records import Source, Verified
from rushes.sniff import sniff
from rushes.video.binaries import find
from rushes.video.config import TranscodeConfig
from rushes.video.process import run
from rushes.workspace import Workspace
from tests.rushes.video.clips import ffmpeg

FRAMES = 30
DAMAGES = ("cut short", "single bits turned", "a block of zeros", "a block of noise")
_PICTURE = ("-f", "lavfi", "-i", "testsrc2=size=160x120:rate=10:duration=3")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=3")
_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-g", "10")
_CLIPS: Mapping[str, tuple[str, ...]] = {
    "conforming.mp4": (*_H264, "-c:a", "aac", "-movflags", "+faststart"),
    "late-index.mp4": (*_H264, "-c:a", "aac"),
    "other-sound.mp4": (*_H264, "-c:a", "libmp3lame"),
    "h264.mkv": (*_H264, "-c:a", "aac"),
    "h264.flv": (*_H264, "-c:a", "aac"),
    "h265.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "aac"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "vp8.webm": ("-c:v", "libvpx", "-b:v", "300k", "-c:a", "libopus"),
}


class Damaged(NamedTuple):
    """What became of one damaged clip.

    Attributes:
        clip: Which clip it was.
        damage: One of `DAMAGES`.
        outcome: `ok`, `ok, and said`, or the code of its error.
        silent: What is wrong with an ok of which nothing was said.
    """

    clip: str
    damage: str
    outcome: str
    silent: str | None


def damaged(count: int, folder: Path) -> Iterator[Damaged]:
    """Damages so many clips and yields what becomes of each."""
    for path, name, damage in damaged_files(count, folder):
        yield Damaged(name, damage, *_outcome(path, path.read_bytes()))
        path.unlink()


def damaged_files(count: int, folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Damages so many clips; yields the file, which clip it was, and the damage."""
    clips = {name: _made(folder / name, options) for name, options in _CLIPS.items()}
    for seed in range(count):
        random_ = random.Random(seed)
        name, damage = random_.choice(sorted(clips)), random_.choice(DAMAGES)
        path = folder / f"{seed}.part"
        path.write_bytes(_with(damage, clips[name], random_))
        yield path.rename(path.with_suffix(sniff(path).suffix)), name, damage


def _made(path: Path, options: tuple[str, ...]) -> bytes:
    ffmpeg(*_PICTURE, *_SOUND, *options, path)
    return path.read_bytes()


def _with(damage: str, content: bytes, random_: random.Random) -> bytes:
    at, length = random_.randrange(len(content)), random_.choice([16, 512, 4096])
    if damage == "cut short":
        return content[:at]
    if damage == "single bits turned":
        turned = bytearray(content)
        for _ in range(random_.choice([1, 3, 10, 50])):
            turned[random_.randrange(len(turned))] ^= 1 << random_.randrange(8)
        return bytes(turned)
    block = bytes(length) if damage == "a block of zeros" else random_.randbytes(length)
    return content[:at] + block[: len(content) - at] + content[at + length :]


def _outcome(path: Path, content: bytes) -> tuple[str, str | None]:
    verified = Verified(Source("a", "http://h/a"), path.name, hashlib.sha256(content).hexdigest(), len(content))
    try:
        media = make_media(verified, Workspace(path.parent), TranscodeConfig(preset="ultrafast"))
    except RushesError as error:
        return error.code, None
    if "frames" in media.reason or "complaints" in media.reason:
        return "ok, and said", None
    decode = ("-xerror", "-threads", "1", "-i", str(path), "-map", "0:V:0", "-map", "0:a:0?", "-f", "null", "-")
    decoding = run([str(find("ffmpeg")), "-nostdin", "-v", "error", *decode], timeout_s=60)
    if decoding.code or (media.source_info.frames, media.info.frames) != (FRAMES, FRAMES):
        return "ok", f"{media.action} ({media.reason}): {media.info.frames} frames, {decoding.last_words(path)}"
    return "ok", None


def table(found: list[Damaged]) -> Iterator[str]:
    """Yields a table of outcomes by damage, in Markdown."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        counts[one.outcome][one.damage] += 1
    yield f"| Outcome | {' | '.join(DAMAGES)} | All |"
    yield "|---" * (len(DAMAGES) + 2) + "|"
    for outcome, by_damage in sorted(counts.items(), key=lambda pair: -pair[1].total()):
        shown = outcome if outcome.startswith("ok") else f"`{outcome}`"
        yield f"| {shown} | {' | '.join(str(by_damage[damage]) for damage in DAMAGES)} | {by_damage.total()} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = list(damaged(300, Path(folder)))
    sys.stdout.write("\n".join(table(found)) + "\n")
    sys.stderr.write("".join(f"silent: {one}\n" for one in found if one.silent))


if __name__ == "__main__":
    main()
