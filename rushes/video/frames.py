"""Frames of a video as upright pictures, chosen by number: JPEG by ffmpeg, PNG by Pillow.

Not every build of ffmpeg has an encoder of PNG, and all give raw pixels.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from rushes.errors import CorruptMediaError, DiskFullError
from rushes.jsonl import fsync_dir, storing
from rushes.video.config import Still
from rushes.video.frame_commands import frames_command, raw_frames_command
from rushes.video.limits import frames
from rushes.video.probe import Probed, examine
from rushes.video.process import run
from rushes.video.timeline import Timeline, frame_times, keyframe_indices, read_timeline

__all__ = ["extract_frames", "frame_times", "keyframe_indices"]

_AT_ONCE = 1500
"""Frames per ffmpeg: their numbers go into one argument, and Linux takes 128 KiB for one."""
_TIMEOUT_S = 6 * 3600.0
_SMALLEST = 31
_COMPRESSION = 2
"""Of zlib: 6, the default, takes four times as long for seven per cent less."""


def extract_frames(path: Path, indices: Sequence[int], folder: Path, still: Still | None = None) -> dict[int, Path]:
    """Writes frames of a video as `folder/<index:06d>.jpg`: upright, with square pixels, the size that `probe` says.

    Frame k is the one shown at `frame_times(path)[k]`. Files that exist are kept, so an interrupted call goes on where
    it was. The same video and ffmpeg give the same bytes.

    Args:
        path: The video.
        indices: 0-based numbers in presentation order, in any order.
        folder: Where the files go; made where missing.
        still: How they are written, by default as JPEG of the best quality. A PNG has the suffix `.png`, and every
            pixel as it was decoded, at 8 bits.

    Returns:
        The file of each frame. Numbers that the video does not have, or whose frame does not decode because the file
        begins after what it builds on, are missing from it.

    Raises:
        NotMediaError: The file is no video.
        UnsupportedFormatError: The ffmpeg at hand cannot decode it.
        CorruptMediaError: It is damaged.
        DiskFullError: No space is left in `folder`.
        FFmpegNotFoundError: There is no ffmpeg or ffprobe.
    """
    still = still or Still()
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {index: folder / f"{index:06d}{still.suffix}" for index in sorted(set(indices))}
    missing = [index for index, file in files.items() if not file.exists()]
    if missing:
        _extract(path, missing, files, still)
    return {index: file for index, file in files.items() if file.exists()}


def _extract(path: Path, indices: Sequence[int], files: Mapping[int, Path], still: Still) -> None:
    probed, timeline = examine(path), read_timeline(path)
    wanted = [index for index in indices if 0 <= index < len(timeline.ticks)]
    for chunk in _chunks(wanted):
        folder = files[chunk[0]].parent
        with storing(folder), TemporaryDirectory(dir=folder, prefix=".frames-") as name:
            for index, made in _Decoder(path, probed, timeline, Path(name)).write(chunk, still).items():
                _publish(made, files[index])
            fsync_dir(folder)


def _chunks(indices: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), _AT_ONCE):
        yield indices[start : start + _AT_ONCE]


class _Decoder(NamedTuple):
    """A video, and the folder for its frames until they are whole."""

    path: Path
    probed: Probed
    timeline: Timeline
    folder: Path

    def write(self, indices: Sequence[int], still: Still) -> dict[int, Path]:
        """Returns the file of each frame that decodes."""
        wanted = self._by_tick(indices)
        return self._pngs(wanted) if still.format == "png" else self._jpegs(wanted, still.quality)

    def _by_tick(self, indices: Sequence[int]) -> dict[int, int]:
        """Returns the frames by their times, in order; of two at one time the first."""
        ticks = self.timeline.ticks if self.timeline.stamped else range(len(self.timeline.ticks))
        wanted: dict[int, int] = {}
        for index in indices:
            wanted.setdefault(ticks[index], index)
        return wanted

    def _jpegs(self, wanted: Mapping[int, int], quality: int) -> dict[int, Path]:
        """Lets ffmpeg name each file by its frame's time, so that a frame that does not decode shifts no other."""
        ticks = list(wanted)
        pattern = f"{self.folder.absolute()}/".replace("%", "%%") + "%d.jpg"
        stamped = self.timeline.stamped
        self._run(frames_command(self.path, pattern, self.probed, ticks, ticks[0], quality, stamped))
        made = {index: self.folder / f"{tick - ticks[0]}.jpg" for tick, index in wanted.items()}
        return {index: file for index, file in made.items() if file.exists()}

    def _pngs(self, wanted: Mapping[int, int]) -> dict[int, Path]:
        """Takes frames as they come, and where fewer come looks which."""
        files: list[Path] = []
        size = (self.probed.info.width, self.probed.info.height)
        take = partial(_save_pngs, size=size, folder=self.folder, files=files)
        self._run(raw_frames_command(self.path, self.probed, list(wanted), self.timeline.stamped), take)
        decoded = wanted.values() if len(files) == len(wanted) else self._jpegs(wanted, _SMALLEST)
        return dict(zip(decoded, files, strict=True))

    def _run(self, command: Sequence[str], take: Callable[[bytearray], None] | None = None) -> None:
        pixels = self.probed.info.width * self.probed.info.height
        done = run(command, timeout_s=_TIMEOUT_S, on_output=take, limits=frames(pixels))
        if any("No space left on device" in line for line in done.errors):
            raise DiskFullError(f"{self.path.name}: no space left for its frames. Free some, and run again.")
        if done.code != 0:
            raise CorruptMediaError(
                f"{self.path.name}: damaged, decoding stopped: {done.last_words(self.path)}. "
                "Fetch it again, or leave it out."
            )


def _save_pngs(pixels: bytearray, *, size: tuple[int, int], folder: Path, files: list[Path]) -> None:
    """Takes whole frames of RGB out of a stream, and adds a file for each."""
    width, height = size
    frame_bytes = 3 * width * height
    while len(pixels) >= frame_bytes:
        files.append(folder / f"{len(files)}.png")
        Image.frombytes("RGB", size, bytes(pixels[:frame_bytes])).save(files[-1], compress_level=_COMPRESSION)
        del pixels[:frame_bytes]


def _publish(made: Path, target: Path) -> None:
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(target)
