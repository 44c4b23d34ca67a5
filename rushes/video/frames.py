"""Frames of a video as upright pictures, chosen by number: JPEG by ffmpeg, PNG by Pillow.

Not every build of ffmpeg has an encoder of PNG, and all give raw pixels. Decoding begins near what is wanted where a
video can be sought. What came of that counts only if the decoder missed nothing and every frame is there; if not, it is
decoded from the beginning.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from rushes.errors import CorruptMediaError, DiskFullError
from rushes.jsonl import fsync_dir, storing
from rushes.video.config import Still
from rushes.video.frame_commands import Ticks, frames_command, raw_frames_command
from rushes.video.limits import frames
from rushes.video.probe import Probed, examine
from rushes.video.process import run
from rushes.video.stretches import stretches
from rushes.video.timeline import Timeline, frame_times, keyframe_indices, read_timeline

__all__ = ["extract_frames", "frame_times", "keyframe_indices"]

_TIMEOUT_S = 6 * 3600.0
_SMALLEST = 31
_SYNCS = 8
"""At a time: each is a wait for the disk, and together they are hardly longer than one."""
# A frame from before the place where decoding began is to be forgotten, and is not there.
_HARMLESS = re.compile(r"mmco: unref short failure|Last message repeated")
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
    for stretch in stretches(wanted, timeline, probed.seekable):
        try:
            _cut(_Decoder(path, probed, timeline, stretch.begin_s), stretch.indices, files, still)
        except _AstrayError:
            _cut(_Decoder(path, probed, timeline, None), stretch.indices, files, still)


def _cut(decoder: _Decoder, indices: Sequence[int], files: Mapping[int, Path], still: Still) -> None:
    folder = files[indices[0]].parent
    with storing(folder), TemporaryDirectory(dir=folder, prefix=".frames-") as name:
        made = decoder.write(indices, Path(name), still)
        with ThreadPoolExecutor(_SYNCS) as pool:
            list(pool.map(_sync, made.values()))
        for index, file in made.items():
            file.replace(files[index])
        fsync_dir(folder)


class _AstrayError(Exception):
    """Decoding began in the middle of a file, and not all came of it that should; from the beginning more may."""


class _Decoder(NamedTuple):
    """A video, and where to begin in it: None for the beginning."""

    path: Path
    probed: Probed
    timeline: Timeline
    begin_s: float | None

    def write(self, indices: Sequence[int], folder: Path, still: Still) -> dict[int, Path]:
        """Returns the file of each frame that decodes."""
        wanted = self._by_tick(indices)
        made = self._pngs(wanted, folder) if still.format == "png" else self._jpegs(wanted, folder, still.quality)
        if self.begin_s is not None and len(made) < len(wanted):
            raise _AstrayError
        return made

    def _by_tick(self, indices: Sequence[int]) -> dict[int, int]:
        """Returns the frames by their times, in order; of two at one time the first."""
        ticks = self.timeline.ticks if self.timeline.stamped else range(len(self.timeline.ticks))
        wanted: dict[int, int] = {}
        for index in indices:
            wanted.setdefault(ticks[index], index)
        return wanted

    def _jpegs(self, wanted: Mapping[int, int], folder: Path, quality: int) -> dict[int, Path]:
        """Lets ffmpeg name each file by its frame's time, so that a frame that does not decode shifts no other."""
        ticks = list(wanted)
        pattern = f"{folder.absolute()}/".replace("%", "%%") + "%d.jpg"
        shown = Ticks(ticks, self.timeline.stamped, self.begin_s)
        self._run(frames_command(self.path, pattern, self.probed, shown, ticks[0], quality))
        made = {index: folder / f"{tick - ticks[0]}.jpg" for tick, index in wanted.items()}
        return {index: file for index, file in made.items() if file.exists()}

    def _pngs(self, wanted: Mapping[int, int], folder: Path) -> dict[int, Path]:
        """Takes frames as they come, and where fewer come looks which."""
        files: list[Path] = []
        size = (self.probed.info.width, self.probed.info.height)
        take = partial(_save_pngs, size=size, folder=folder, files=files)
        shown = Ticks(list(wanted), self.timeline.stamped, self.begin_s)
        self._run(raw_frames_command(self.path, self.probed, shown), take)
        decoded = wanted.values() if len(files) == len(wanted) else self._jpegs(wanted, folder, _SMALLEST)
        return dict(zip(decoded, files, strict=True))

    def _run(self, command: Sequence[str], take: Callable[[bytearray], None] | None = None) -> None:
        pixels = self.probed.info.width * self.probed.info.height
        done = run(command, timeout_s=_TIMEOUT_S, on_output=take, limits=frames(pixels))
        if any("No space left on device" in line for line in done.errors):
            raise DiskFullError(f"{self.path.name}: no space left for its frames. Free some, and run again.")
        if self.begin_s is not None and (done.code != 0 or not all(map(_HARMLESS.search, done.errors))):
            raise _AstrayError
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


def _sync(file: Path) -> None:
    with file.open("rb") as made:
        os.fsync(made.fileno())
